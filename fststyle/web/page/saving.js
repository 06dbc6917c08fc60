/** The painting as a file: which sizes there are, download and share. */
import { element } from "./elements.js";

/** @import {Engine, Network, Photo} from "./engine.js" */
/** @import {Language} from "./language.js" */

const SUFFIXES = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

export class Saving {
  /** @param {Language} language */
  constructor(language) {
    this.language = language;
    this.size = /** @type {HTMLSelectElement} */ (element("size"));
    this.format = /** @type {HTMLSelectElement} */ (element("format"));
    this.size.onchange = () => this.hint();
    /** @type {{photo: Photo, full: boolean} | null} */
    this.offered = null;
    this.canShare = canShare();
    element("share").hidden = !this.canShare;
  }

  /**
   * @param {Engine} engine
   * @param {Photo} photo
   * @param {Network} network
   */
  offer(engine, photo, network) {
    const before = this.offered?.photo === photo ? Number(this.size.value) : 0;
    const sides = engine.sizes(photo, network);
    const longer = Math.max(photo.width, photo.height);
    this.size.replaceChildren(
      ...sides.map((side) => {
        const scale = side / longer;
        const [width, height] = [photo.width, photo.height].map((each) => Math.max(1, Math.round(each * scale)));
        const key = side === longer ? "size-full" : "size-plain";
        return new Option(this.language.text(key, { width: String(width), height: String(height) }), String(side));
      }),
    );
    this.size.value = String(sides.includes(before) ? before : sides[sides.length - 1]);
    if (this.offered?.photo !== photo) this.format.value = photo.type === "image/png" ? "image/png" : "image/jpeg";
    this.offered = { photo, full: sides.includes(longer) };
    this.hint();
  }

  /** The longer side that is chosen. */
  get side() {
    return Number(this.size.value);
  }

  hint() {
    if (!this.offered) return;
    const { photo, full } = this.offered;
    const largest = this.size.options[this.size.options.length - 1]?.value;
    let text = "";
    if (!full && this.size.value === largest) {
      const scale = this.side / Math.max(photo.width, photo.height);
      const [width, height] = [photo.width, photo.height].map((each) => String(Math.round(each * scale)));
      text = this.language.text("size-limited", { width, height });
    }
    element("size-hint").textContent = text;
  }

  /**
   * @param {Photo} photo
   * @param {Network} network
   * @param {Blob} blob
   */
  fileOf(photo, network, blob) {
    const stem = photo.name.replace(/\.[^.]*$/, "") || "photo";
    const style = network.name.split(/[ .]/)[0];
    const suffix = SUFFIXES[/** @type {keyof typeof SUFFIXES} */ (blob.type)] ?? blob.type.split(/[/;]/)[1];
    return new File([blob], `${stem}_${style}.${suffix}`, { type: blob.type });
  }
}

/** @param {File} file */
export function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a large file is still being read
}

/** @param {File} file */
export async function share(file) {
  try {
    await navigator.share({ files: [file], title: file.name });
  } catch (error) {
    // A page may share only shortly after a click, and painting can take longer.
    if (error instanceof DOMException && error.name === "NotAllowedError") download(file);
    else throw error;
  }
}

function canShare() {
  const probe = new File([new Uint8Array(1)], "photo.png", { type: "image/png" });
  return Boolean(navigator.canShare?.({ files: [probe] }));
}
