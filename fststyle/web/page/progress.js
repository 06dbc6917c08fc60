/** How far the work is; shown only if it takes a moment. */
import { element } from "./elements.js";

/** @import {Progress} from "./engine.js" */
/** @import {Language} from "./language.js" */

const PATIENCE_MILLISECONDS = 250;

/** @typedef {{text: string, share: number | null}} State */

export class ProgressBar {
  /** @param {Language} language */
  constructor(language) {
    this.language = language;
    this.bar = /** @type {HTMLProgressElement} */ (element("progress-bar"));
    /** @type {Map<AbortController, State>} what was begun first is what is worked on, and what is shown */
    this.running = new Map();
    this.timer = 0;
    element("cancel").onclick = () => this.first?.abort();
  }

  /** @returns {AbortController | undefined} */
  get first() {
    return this.running.keys().next().value;
  }

  /**
   * @param {AbortController} controller of the work
   * @param {string} key of the sentence to begin with
   */
  begin(controller, key) {
    if (!this.running.size) {
      this.timer = window.setTimeout(() => (element("progress").hidden = false), PATIENCE_MILLISECONDS);
    }
    this.running.set(controller, { text: this.language.text(key), share: null });
    document.body.setAttribute("aria-busy", "true");
    this.show();
  }

  /**
   * @param {Progress} progress
   * @param {AbortController} [controller] of the work; by default what is shown
   */
  tell({ stage, done, total }, controller = this.first) {
    if (!controller || !this.running.has(controller)) return;
    const share = total ? Math.min(1, done / total) : null;
    this.running.set(controller, { text: this.sentence(stage, done, total), share });
    this.show();
  }

  /**
   * @param {Progress["stage"]} stage
   * @param {number} done
   * @param {number} total
   */
  sentence(stage, done, total) {
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    if (stage === "download") {
      const key = total ? "progress-download" : "progress-download-unknown";
      return this.language.text(key, { done: megabytes(done), total: megabytes(total) });
    }
    if (stage === "paint" && total) {
      return this.language.text("progress-paint-part", { percent: Math.round(Math.min(1, done / total) * 100) });
    }
    return this.language.text(`progress-${stage}`);
  }

  /** @param {AbortController} controller other work goes on */
  end(controller) {
    this.running.delete(controller);
    if (this.running.size) return this.show();
    clearTimeout(this.timer);
    element("progress").hidden = true;
    document.body.removeAttribute("aria-busy");
  }

  show() {
    const [state] = this.running.values();
    if (state.share === null) this.bar.removeAttribute("value");
    else this.bar.value = state.share;
    const place = element("progress-text");
    if (place.textContent !== state.text) place.textContent = state.text;
  }
}
