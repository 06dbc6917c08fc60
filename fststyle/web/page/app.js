/** The page: what happens when somebody brings a photo, chooses a style or moves a control. */
import { element, showMode } from "./elements.js";
import { takeFiles } from "./files_in.js";
import { LiveMode } from "./live_mode.js";
import { Paintings } from "./paintings.js";
import { Problem } from "./problem.js";
import { ProgressBar } from "./progress.js";
import { Saving, download, share } from "./saving.js";
import { StylesList } from "./styles_list.js";
import { Viewer } from "./viewer.js";

/** @import {Language} from "./language.js" */
/** @import {Messages} from "./messages.js" */
/** @import {Controls, Engine, OnProgress, Passes, Photo, Request, Site} from "./engine.js" */

/** @typedef {(signal: AbortSignal, tell: OnProgress) => Promise<void>} Todo */

const SCREEN_SIDE = 1024;
const PAUSE_MILLISECONDS = 120; // after a control has moved

export class App {
  /** @param {Site} site @param {Language} language @param {Messages} messages @param {Engine} engine */
  constructor(site, language, messages, engine) {
    this.site = site;
    this.language = language;
    this.messages = messages;
    this.engine = engine;
    /** @type {Photo | null} */
    this.photo = null;
    /** @type {AbortController | null} */
    this.opening = null;
    /** @type {AbortController | null} */
    this.working = null;
    /** @type {((files: File[]) => boolean)[]} */
    this.handlers = [];
    this.timer = 0;
    this.panels = element("panels");
    this.progress = new ProgressBar(language);
    this.viewer = new Viewer();
    this.saving = new Saving(language);
    this.networks = new StylesList(site.networks, () => this.changed(0));
    this.live = new LiveMode(this);
    this.paintings = new Paintings(this);
  }

  /** @param {string} key @param {Record<string, string | number>} [values] */
  text(key, values) {
    return this.language.text(key, values);
  }

  /** @param {string} base */
  addTexts(base) {
    return this.language.add(base);
  }

  /** @param {string} key @param {Record<string, string | number>} [values] @param {"info" | "problem"} [kind] */
  say(key, values, kind) {
    this.messages.say(key, values, kind);
  }

  /** @param {(files: File[]) => boolean} handler is asked before the page takes files itself */
  takesFiles(handler) {
    this.handlers.push(handler);
  }

  /** @param {string} kinds more that the picker offers */
  accept(kinds) {
    /** @type {HTMLInputElement} */ (element("file")).accept += `,${kinds}`;
  }

  /** @returns {Controls} */
  controls() {
    const number = (/** @type {string} */ id) => Number(/** @type {HTMLInputElement} */ (element(id)).value);
    return {
      strength: number("strength") / 100,
      scale: 2 ** (number("brush") / 2),
      keepColor: /** @type {HTMLInputElement} */ (element("keep-color")).checked,
      passes: /** @type {Passes} */ ((this.engine.passes && number("passes")) || "auto"),
    };
  }

  /** @param {File[]} files */
  async take(files) {
    this.messages.clear();
    if (this.handlers.some((handler) => handler(files))) return;
    const [file] = files;
    if (files.length > 1) this.say("first-only", { count: files.length });
    if (/\.onnx$/i.test(file.name)) await this.addNetwork(file);
    else await this.openPhoto(file);
  }

  /** @param {File} file */
  async addNetwork(file) {
    if (!this.engine.add) return this.say("network-not-here", {}, "problem");
    await this.beside("progress-start", async (signal) => {
      const network = await /** @type {NonNullable<Engine["add"]>} */ (this.engine.add)(file, signal);
      this.networks.add(network);
      this.networks.select(network.name);
      this.say("added", { title: network.title });
    });
  }

  /** @param {Blob} blob */
  async openPhoto(blob) {
    this.opening?.abort();
    this.working?.abort();
    const controller = (this.opening = new AbortController());
    await this.during(controller, "progress-open", async (signal) => {
      const photo = await this.engine.open(blob, signal);
      if (signal.aborted) return this.engine.close(photo);
      if (this.photo) this.engine.close(this.photo);
      this.live.camera.close();
      this.photo = photo;
      this.viewer.showPhoto(photo.before);
      showMode("photo");
      if (photo.animated) this.say("first-frame", { name: photo.name });
      this.paint();
    });
  }

  /** @param {number} [pause] in milliseconds, for controls that move on */
  changed(pause = PAUSE_MILLISECONDS) {
    this.describeControls();
    if (document.body.dataset.mode === "live") return pause === 0 && this.live.start();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.paint(), pause);
  }

  describeControls() {
    const { strength, scale } = this.controls();
    const format = new Intl.NumberFormat(this.language.code, { maximumFractionDigits: 1 });
    element("strength-value").textContent = `${Math.round(strength * 100)} %`;
    element("brush-value").textContent = `× ${format.format(scale)}`;
  }

  /** @param {number} side @returns {Request | null} */
  request(side) {
    if (!this.photo || !this.networks.chosen) return null;
    return { photo: this.photo, network: this.networks.chosen, controls: this.controls(), side };
  }

  /** The longer side of what is painted for the screen. */
  screenSide() {
    if (!this.photo) return SCREEN_SIDE;
    const sides = this.engine.sizes(this.photo, this.networks.chosen);
    return sides.filter((side) => side <= SCREEN_SIDE).pop() ?? sides[0];
  }

  async paint() {
    if (document.body.dataset.mode !== "photo" || !this.photo) return;
    const side = this.screenSide();
    this.saving.offer(this.engine, this.photo, this.networks.chosen);
    const request = this.request(side);
    if (!request) return;
    await this.work("progress-paint", async (signal, tell) => {
      await this.engine.load(request.network, tell, signal);
      const painting = await this.engine.paint(request, tell, signal);
      if (signal.aborted) return painting.close();
      this.viewer.showPainting(painting);
      element("frame").dataset.painted = `${request.network.name} ${this.photo?.id}`;
      document.dispatchEvent(new CustomEvent("painted", { bubbles: true }));
    });
  }

  /**
   * Paint; what was being painted before is given up.
   * @param {string} key of the sentence to begin with
   * @param {Todo} todo
   */
  work(key, todo) {
    this.working?.abort();
    return this.during((this.working = new AbortController()), key, todo);
  }

  /**
   * Do something beside what is being painted, which goes on.
   * @param {string} key of the sentence to begin with
   * @param {Todo} todo
   */
  beside(key, todo) {
    return this.during(new AbortController(), key, todo);
  }

  /**
   * @param {AbortController} controller
   * @param {string} key
   * @param {Todo} todo
   */
  async during(controller, key, todo) {
    this.progress.begin(controller, key);
    try {
      await todo(controller.signal, (progress) => this.progress.tell(progress, controller));
    } catch (error) {
      if (!controller.signal.aborted) this.messages.explain(error);
    } finally {
      this.progress.end(controller);
    }
  }

  /** @param {(file: File) => void | Promise<void>} hand */
  async save(hand) {
    const request = this.request(this.saving.side);
    if (!request) return;
    const type = this.saving.format.value;
    await this.work("progress-paint", async (signal, tell) => {
      const blob = await this.engine.save(request, type, tell, signal);
      if (signal.aborted) return;
      const bitmap = await createImageBitmap(blob);
      const { width, height } = bitmap;
      this.viewer.showPainting(bitmap);
      const file = this.saving.fileOf(request.photo, request.network, blob);
      await hand(file);
      this.say("saved", { name: file.name, width: String(width), height: String(height) });
    });
  }

  async trySample() {
    try {
      const response = await fetch(String(this.site.sample));
      await this.take([new File([await response.blob()], "sample.jpg", { type: "image/jpeg" })]);
    } catch {
      this.messages.explain(new Problem("no-network", { file: "sample.jpg" }));
    }
  }

  /** Connect the buttons. */
  connect() {
    takeFiles({
      onFiles: (files) => this.take(files),
      onPaintings: (files) => this.paintings.take(files),
      onNothing: () => this.say("nothing-pasted"),
    });
    /** @type {Record<string, () => unknown>} */
    const clicks = {
      sample: () => this.trySample(),
      download: () => this.save(download),
      share: () => this.save(share),
      "about-open": () => /** @type {HTMLDialogElement} */ (element("about")).showModal(),
    };
    for (const [id, click] of Object.entries(clicks)) element(id).onclick = click;
    element("sample").hidden = !this.site.sample;
    element("camera").hidden = this.engine.live === null;
    if (!this.engine.passes) element("passes").closest("label")?.remove();
    for (const id of ["strength", "brush"]) element(id).oninput = () => this.changed();
    for (const id of ["keep-color", "passes"]) {
      const control = document.getElementById(id);
      if (control) control.onchange = () => this.changed(0);
    }
  }

  /** What is not in the page's own text. */
  describe() {
    const { site, engine } = this;
    this.describeControls();
    element("about-privacy").textContent = this.text(engine.kind === "browser" ? "about-privacy" : "about-server");
    const notes = engine.notes.map((key) =>
      Object.assign(document.createElement("li"), { textContent: this.text(key) }),
    );
    element("notes").replaceChildren(...notes);
    const runtime = site.runtime?.version ?? "";
    element("credits").textContent = runtime ? this.text("credits", { version: site.fststyle, runtime }) : "";
    if (this.photo) this.saving.offer(engine, this.photo, this.networks.chosen);
  }
}
