/** How far a piece of work is; shown only if it takes a moment. */
import { element } from "./elements.js";

/** @import {Progress} from "./engine.js" */
/** @import {Language} from "./language.js" */

const PATIENCE_MILLISECONDS = 250;

export class ProgressBar {
  /** @param {Language} language */
  constructor(language) {
    this.language = language;
    this.bar = /** @type {HTMLProgressElement} */ (element("progress-bar"));
    /** @type {AbortController | null} */
    this.controller = null;
    this.timer = 0;
    element("cancel").onclick = () => this.controller?.abort();
  }

  /**
   * @param {AbortController} controller of the work
   * @param {string} key of the sentence to begin with
   */
  begin(controller, key) {
    this.controller = controller;
    this.bar.removeAttribute("value");
    this.write(this.language.text(key));
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (element("progress").hidden = false), PATIENCE_MILLISECONDS);
  }

  /** @param {Progress} progress */
  tell({ stage, done, total }) {
    const share = total ? Math.min(1, done / total) : 0;
    if (total) this.bar.value = share;
    else this.bar.removeAttribute("value");
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    if (stage === "download") {
      const key = total ? "progress-download" : "progress-download-unknown";
      this.write(this.language.text(key, { done: megabytes(done), total: megabytes(total) }));
    } else if (stage === "paint" && total) {
      this.write(this.language.text("progress-paint-part", { percent: Math.round(share * 100) }));
    } else this.write(this.language.text(`progress-${stage}`));
  }

  /** @param {AbortController} controller work that was begun later goes on */
  end(controller) {
    if (this.controller !== controller) return;
    clearTimeout(this.timer);
    this.controller = null;
    element("progress").hidden = true;
  }

  /** @param {string} text */
  write(text) {
    const place = element("progress-text");
    if (place.textContent !== text) place.textContent = text;
  }
}
