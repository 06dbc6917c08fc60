/** What somebody does with a painting of their own: it becomes a style, and the style a file. */
import { element } from "./elements.js";
import { download } from "./saving.js";

/** @import {App} from "./app.js" */

export class Paintings {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    const picker = /** @type {HTMLInputElement} */ (element("style-file"));
    picker.onchange = () => {
      const [painting] = picker.files ?? [];
      if (painting) this.take(painting);
      picker.value = ""; // so that the same file can be chosen again
    };
    element("new-style").onclick = () => picker.click();
    element("style-download").onclick = () => this.download();
  }

  /** @param {File} painting */
  async take(painting) {
    const { engine, messages, networks, progress } = this.app;
    messages.clear();
    await this.app.work("progress-look", async (signal) => {
      const { network, said } = await engine.newStyle(painting, (each) => progress.tell(each), signal);
      networks.add(network);
      networks.select(network.name);
      this.app.say(said, { title: network.title });
    });
  }

  async download() {
    const { engine, networks, progress } = this.app;
    const { chosen } = networks;
    await this.app.work("progress-save", async (signal) => {
      const blob = await engine.networkFile?.(chosen, (each) => progress.tell(each), signal);
      if (!blob || signal.aborted) return;
      const name = `${String(chosen.painting).replace(/\.[^.]*$/, "")}.onnx`;
      download(new File([blob], name, { type: "application/octet-stream" }));
    });
  }
}
