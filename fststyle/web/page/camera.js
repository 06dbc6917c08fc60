/** The webcam, painted frame by frame, and recorded. */
import { element } from "./elements.js";
import { Problem } from "./problem.js";

/** @import {Controls, Live} from "./engine.js" */

const KINDS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const RATE_FRAMES = 12;

/** What a browser says when there is no picture, and our sentence for it. */
const REFUSALS = {
  NotAllowedError: "camera-denied",
  SecurityError: "camera-denied",
  NotFoundError: "camera-none",
  OverconstrainedError: "camera-none",
  NotReadableError: "camera-busy",
  AbortError: "camera-busy",
};

export class Camera {
  /** @param {{controls: () => Controls, onRate: (rate: number) => void, onEnd: () => void, onError: (error: unknown) => void}} page */
  constructor(page) {
    this.page = page;
    this.video = /** @type {HTMLVideoElement} */ (element("video"));
    this.canvas = /** @type {HTMLCanvasElement} */ (element("painted"));
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Live | null} */
    this.live = null;
    /** @type {MediaRecorder | null} */
    this.recorder = null;
    this.facing = "user";
    this.longer = 320;
    this.turned = 0;
  }

  get running() {
    return this.stream !== null;
  }

  async open() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Problem("camera-insecure");
    let stream;
    try {
      const size = { width: { ideal: 640 }, height: { ideal: 480 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, facingMode: this.facing }, audio: false });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      throw new Problem(REFUSALS[/** @type {keyof typeof REFUSALS} */ (name)] ?? "camera-busy");
    }
    this.close();
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => {
      if (this.stream === stream) this.page.onEnd();
    };
    this.video.srcObject = stream;
    await this.video.play();
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter(({ kind }) => kind === "videoinput").length;
  }

  /** @param {Live} live paints from now on */
  start(live) {
    this.live?.close();
    const begun = this.live !== null;
    this.live = live;
    if (!begun) this.loop(++this.turned);
  }

  /** @param {number} turn of the loop; a later one ends it */
  async loop(turn) {
    /** @type {number[]} */
    let times = [];
    let next = this.grab(this.longer);
    while (this.live && turn === this.turned) {
      try {
        const bitmap = await next;
        const painting = bitmap && this.live?.frame(bitmap, this.page.controls());
        next = this.grab(this.longer); // while the one before is being painted
        if (!painting) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          continue;
        }
        const painted = await painting;
        if (turn !== this.turned) return painted.close();
        this.show(painted);
      } catch (error) {
        if (turn === this.turned) this.page.onError(error);
        return;
      }
      times = [...times, performance.now()].slice(-RATE_FRAMES);
      if (times.length === RATE_FRAMES) {
        this.page.onRate(((RATE_FRAMES - 1) * 1000) / (times[RATE_FRAMES - 1] - times[0]));
      }
    }
    (await next)?.close();
  }

  /**
   * @param {number} longer side in pixels
   * @returns {Promise<ImageBitmap | null>} null before the first frame and after the last
   */
  async grab(longer) {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth || this.video.readyState < 2) return null;
    const scale = Math.min(1, longer / Math.max(videoWidth, videoHeight));
    const size = {
      resizeWidth: Math.max(1, Math.round(videoWidth * scale)),
      resizeHeight: Math.max(1, Math.round(videoHeight * scale)),
    };
    return createImageBitmap(this.video, { ...size, resizeQuality: "medium" }).catch(() => null); // it was closed
  }

  /** @param {ImageBitmap} painted is closed */
  show(painted) {
    if (this.canvas.width !== painted.width || this.canvas.height !== painted.height) {
      this.canvas.width = painted.width;
      this.canvas.height = painted.height;
    }
    this.canvas.getContext("2d")?.drawImage(painted, 0, 0);
    painted.close();
    this.canvas.dataset.frames = String(Number(this.canvas.dataset.frames ?? 0) + 1);
  }

  /** @returns {Promise<Blob>} the picture of the camera, unpainted, as large as it is */
  async snap() {
    const { videoWidth, videoHeight } = this.video;
    const canvas = new OffscreenCanvas(Math.max(1, videoWidth), Math.max(1, videoHeight));
    canvas.getContext("2d")?.drawImage(this.video, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  /** @returns {Promise<Blob>} what was recorded, when it is stopped */
  record() {
    const type = KINDS.find((kind) => globalThis.MediaRecorder?.isTypeSupported(kind));
    if (!type || !this.canvas.captureStream) throw new Problem("record-impossible");
    const recorder = new MediaRecorder(this.canvas.captureStream(), { mimeType: type, videoBitsPerSecond: 5e6 });
    this.recorder = recorder;
    /** @type {Blob[]} */
    const pieces = [];
    return new Promise((resolve, reject) => {
      recorder.ondataavailable = ({ data }) => pieces.push(data);
      recorder.onstop = () => resolve(new Blob(pieces, { type: type.split(";")[0] }));
      recorder.onerror = () => reject(new Problem("record-impossible"));
      recorder.start(1000);
    });
  }

  stopRecording() {
    if (this.recorder?.state === "recording") this.recorder.stop();
    this.recorder = null;
  }

  close() {
    this.stopRecording();
    this.turned++;
    this.live?.close();
    this.live = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }
}
