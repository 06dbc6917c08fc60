/** What somebody does with the camera: painted live, a photo, a recording. */
import { Camera } from "./camera.js";
import { element, showMode } from "./elements.js";
import { download } from "./saving.js";

/** @import {App} from "./app.js" */

export class LiveMode {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.camera = new Camera({
      controls: () => app.controls(),
      onRate: (rate) => (element("rate").textContent = app.text("rate", { rate: Math.round(rate) })),
      onEnd: () => this.close("camera-ended"),
      onError: (error) => (this.close(), app.messages.explain(error)),
    });
    this.connect();
  }

  connect() {
    const size = /** @type {HTMLSelectElement} */ (element("camera-size"));
    size.onchange = () => (this.camera.longer = Number(size.value));
    /** @type {Record<string, () => unknown>} */
    const clicks = {
      camera: () => this.open(),
      snap: () => this.snap(),
      record: () => this.record(),
      "camera-close": () => this.close(),
      turn: () => this.turn(),
    };
    for (const [id, click] of Object.entries(clicks)) element(id).onclick = click;
    addEventListener("pagehide", () => this.camera.running && this.close());
  }

  /** To the other camera; a phone opens one at a time. */
  turn() {
    this.camera.facing = this.camera.facing === "user" ? "environment" : "user";
    this.camera.close();
    return this.open();
  }

  async open() {
    this.app.messages.clear();
    this.app.opening?.abort();
    this.app.working?.abort();
    try {
      const cameras = await this.camera.open();
      element("turn").hidden = (cameras ?? 0) < 2;
      showMode("live");
      await this.start();
    } catch (error) {
      this.close();
      this.app.messages.explain(error);
    }
  }

  async start() {
    await this.app.work("progress-start", async (signal, tell) => {
      await this.app.engine.load(this.app.networks.chosen, tell, signal);
      const live = await this.app.engine.live(this.app.networks.chosen);
      if (live && this.camera.running && !signal.aborted) this.camera.start(live);
      else live?.close();
    });
  }

  /** @param {string} [reason] a sentence */
  close(reason) {
    this.camera.close();
    showMode(this.app.photo ? "photo" : "empty");
    if (reason) this.app.say(reason, {}, "problem");
    if (this.app.photo) this.app.paint();
  }

  async snap() {
    const blob = await this.camera.snap();
    this.camera.close();
    await this.app.openPhoto(new File([blob], "camera.png", { type: blob.type }));
  }

  async record() {
    const button = element("record");
    const clock = element("recording");
    if (this.camera.recorder) return this.camera.stopRecording();
    const begun = performance.now();
    const tell = () => {
      clock.textContent = this.app.text("recording", { seconds: Math.round((performance.now() - begun) / 1000) });
    };
    try {
      const recorded = this.camera.record();
      button.textContent = this.app.text("record-stop");
      button.setAttribute("aria-pressed", "true");
      clock.hidden = false;
      tell();
      const timer = setInterval(tell, 1000);
      const blob = await recorded.finally(() => clearInterval(timer));
      const suffix = blob.type === "video/mp4" ? "mp4" : "webm";
      download(new File([blob], `camera_${this.app.networks.chosen.name}.${suffix}`, { type: blob.type }));
    } catch (error) {
      this.app.messages.explain(error);
    }
    this.camera.recorder = null;
    clock.hidden = true;
    button.textContent = this.app.text("record");
    button.removeAttribute("aria-pressed");
  }
}
