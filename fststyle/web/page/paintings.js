/** What somebody does with paintings of their own: each becomes a style, and a style a file. */
import { element } from "./elements.js";
import { Problem } from "./problem.js";
import { download } from "./saving.js";

/** @import {App} from "./app.js" */
/** @import {OnProgress} from "./engine.js" */

export class Paintings {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<string, string>} names of styles, by the files that they were made of */
    this.made = new Map();
    const picker = /** @type {HTMLInputElement} */ (element("style-file"));
    picker.onchange = () => {
      const files = [...(picker.files ?? [])];
      picker.value = ""; // so that the same file can be chosen again
      if (files.length) this.take(files);
    };
    element("new-style").onclick = () => picker.click();
    element("style-download").onclick = () => this.download();
  }

  /**
   * Paintings, one after the other; what is none does not stop the others.
   * @param {File[]} files
   */
  async take(files) {
    const { messages } = this.app;
    messages.clear();
    const isNetwork = (/** @type {File} */ { name }) => /\.onnx$/i.test(name);
    for (const network of files.filter(isNetwork)) this.app.addNetwork(network);
    const paintings = files.filter((file) => !isNetwork(file));
    if (!paintings.length) return;
    await this.app.beside("progress-look", async (signal, tell) => {
      for (const painting of paintings) {
        try {
          await this.add(painting, signal, tell);
        } catch (error) {
          if (signal.aborted) return;
          messages.explain(error);
        }
      }
    });
  }

  /** @param {File} painting @param {AbortSignal} signal @param {OnProgress} tell */
  async add(painting, signal, tell) {
    const { engine, networks } = this.app;
    const { name } = painting;
    if (painting.type.startsWith("video/")) throw new Problem("painting-video", { name });
    const file = [name, painting.size, painting.lastModified].join("/");
    let style = networks.named(this.made.get(file));
    /** @type {string[]} */
    let sentences = ["added"];
    if (!style) {
      const { network, said } = await engine.newStyle(painting, tell, signal);
      if (signal.aborted) return;
      networks.add(network);
      this.made.set(file, network.name);
      [style, sentences] = [network, said];
    }
    networks.select(style.name);
    for (const key of sentences) this.app.say(key, { name, title: style.title });
  }

  async download() {
    const { engine, networks } = this.app;
    const { chosen } = networks;
    await this.app.beside("progress-save", async (signal, tell) => {
      const blob = await engine.networkFile?.(chosen, tell, signal);
      if (!blob || signal.aborted) return;
      const name = `${String(chosen.painting).replace(/\.[^.]*$/, "") || "style"}.onnx`;
      download(new File([blob], name, { type: "application/octet-stream" }));
    });
  }
}
