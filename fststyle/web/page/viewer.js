/** The photo and its painting, one over the other, with a line between them that can be moved. */
import { element } from "./elements.js";

export class Viewer {
  constructor() {
    this.frame = element("frame");
    this.split = /** @type {HTMLInputElement} */ (element("split"));
    this.split.oninput = () => this.move(Number(this.split.value));
    this.frame.onpointerdown = (event) => {
      if (event.button !== 0) return;
      this.frame.setPointerCapture(event.pointerId);
      this.follow(event);
    };
    this.frame.onpointermove = (event) => {
      if (this.frame.hasPointerCapture(event.pointerId)) this.follow(event);
    };
    this.move(50);
  }

  /** @param {ImageBitmap} bitmap */
  showPhoto(bitmap) {
    draw("before", bitmap);
    const after = /** @type {HTMLCanvasElement} */ (element("after"));
    after.width = after.height = 1;
    this.frame.classList.remove("painted");
    this.frame.style.setProperty("--ratio", String(bitmap.width / bitmap.height));
    this.frame.style.setProperty("--width", `${bitmap.width}px`);
  }

  /** @param {ImageBitmap} bitmap is closed */
  showPainting(bitmap) {
    draw("after", bitmap);
    bitmap.close();
    this.frame.classList.add("painted");
  }

  /** @param {PointerEvent} event */
  follow(event) {
    const { left, width } = this.frame.getBoundingClientRect();
    this.move(((event.clientX - left) / width) * 100);
  }

  /** @param {number} percent */
  move(percent) {
    const value = Math.min(100, Math.max(0, percent));
    this.split.value = String(Math.round(value));
    this.frame.style.setProperty("--split", `${value}%`);
  }
}

/** @param {string} id @param {ImageBitmap} bitmap */
function draw(id, bitmap) {
  const canvas = /** @type {HTMLCanvasElement} */ (element(id));
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
}
