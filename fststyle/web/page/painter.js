/** Photos through networks, as `Stylizer` does it in Python. */
import { pixelsOf, openPhoto } from "./decoding.js";
import { paintParts } from "./parts.js";
import { all, blank, cropped, fromTensor, laidOver, reflected, toTensor } from "./pixels.js";
import { paintInPasses, sizesOfPasses } from "./passes.js";
import { Problem } from "./problem.js";
import { resized, round } from "./resizing.js";
import { Sessions } from "./sessions.js";
import { filled, shrunk, withAlpha } from "./transparency.js";

/** @import {Controls, Form, Network, OnProgress} from "./engine.js" */
/** @import {Pixels} from "./pixels.js" */
/** @import {Runtime} from "./runtime.js" */

const MOST_PHOTOS = 2;

/** @typedef {{pixels: Pixels, transparent: boolean}} Held */
/** @typedef {{id: number, blob: Blob, name: string, network: Network, controls: Controls, side: number}} Asked */

export class Painter {
  /** @param {Runtime} runtime */
  constructor(runtime) {
    this.runtime = runtime;
    /** @type {Map<number, Held>} */
    this.photos = new Map();
    this.sessions = new Sessions(runtime);
    /** @type {{key: string, stylized: Pixels} | null} before color and strength, which change quickly */
    this.last = null;
    /** @type {{key: string, photo: Held} | null} */
    this.fitted = null;
  }

  /** @param {{shown: {id: number}, pixels: Pixels, transparent: boolean}} photo */
  keep({ shown, pixels, transparent }) {
    this.photos.set(shown.id, { pixels, transparent });
    for (const id of [...this.photos.keys()].slice(0, -MOST_PHOTOS)) this.forget(id);
  }

  /** @param {number} id */
  forget(id) {
    this.photos.delete(id);
    if (this.last?.key.startsWith(`${id} `)) this.last = null;
    if (this.fitted?.key.startsWith(`${id} `)) this.fitted = null;
  }

  /**
   * @param {Network} network
   * @param {ArrayBuffer} data
   */
  async add(network, data) {
    this.sessions.added.set(network.name, data);
    await this.load(network);
  }

  /**
   * @param {Network} network
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   */
  async load(network, onProgress, signal) {
    await this.sessions.of(network, onProgress, signal);
  }

  /**
   * @param {Asked} asked
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   */
  async bitmap(asked, onProgress, signal) {
    const { data, width, height } = await this.paint(asked, onProgress, signal);
    return createImageBitmap(new ImageData(data, width, height));
  }

  /**
   * @param {Asked} asked
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   * @returns {Promise<Pixels>}
   */
  async paint(asked, onProgress, signal) {
    const { id, network, controls, side } = asked;
    const photo = await this.photo(asked);
    const told = network.form?.strength ? controls.strength : 1;
    const key = [id, network.file, side, controls.scale, controls.passes, told].join(" ");
    const shown = photo.transparent ? filled(photo.pixels) : photo.pixels;
    let stylized = this.last?.key === key ? this.last.stylized : null;
    if (!stylized) {
      this.last = null;
      const { trained, grain } = formOf(network);
      const sizes = sizesOfPasses(shown, controls.passes, controls.scale, trained);
      const tell = shared(sizes, onProgress);
      stylized = await paintInPasses(shown, sizes, grain, (pixels, pass) =>
        this.fit(network, pixels, told, (progress) => tell(progress, pass), signal),
      );
      this.last = { key, stylized };
    }
    const strength = network.form?.strength && controls.strength > 0 ? 1 : controls.strength;
    const painted = laidOver(shown, stylized, { ...controls, strength });
    return photo.transparent ? withAlpha(painted, photo.pixels, shown) : painted;
  }

  /**
   * The photo at the size that is asked for.
   * @param {Asked} asked
   * @returns {Promise<Held>}
   */
  async photo({ id, blob, name, side }) {
    const key = `${id} ${side}`;
    if (this.fitted?.key === key) return this.fitted.photo;
    // A worker that was started anew has none.
    const found = this.photos.get(id) ?? (await openPhoto(blob, name));
    const { pixels, transparent } = found;
    this.photos.set(id, { pixels, transparent });
    const scale = Math.min(1, side / Math.max(pixels.width, pixels.height));
    const width = Math.max(1, round(pixels.width * scale));
    const height = Math.max(1, round(pixels.height * scale));
    const fitted = transparent ? shrunk(pixels, width, height) : resized(pixels, width, height);
    this.fitted = { key, photo: { pixels: fitted, transparent } };
    return this.fitted.photo;
  }

  /**
   * Paint at a size that the network takes, as `Fitting` does in Python.
   * @param {Network} network
   * @param {Pixels} pixels
   * @param {number} strength
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   * @returns {Promise<Pixels>}
   */
  async fit(network, pixels, strength, onProgress, signal) {
    const { fixed, multiple, least } = formOf(network);
    const [height, width] = fixed;
    if (height || width) {
      const scale = height ? height / pixels.height : width / pixels.width;
      const wide = width || Math.max(1, round(pixels.width * scale));
      const tall = height || Math.max(1, round(pixels.height * scale));
      const painted = await this.continued(
        network,
        resized(pixels, wide, tall),
        height && width ? 1 : multiple,
        least,
        strength,
        onProgress,
        signal,
      );
      return resized(painted, pixels.width, pixels.height);
    }
    return this.continued(network, pixels, multiple, least, strength, onProgress, signal);
  }

  /**
   * @param {Network} network
   * @param {Pixels} pixels
   * @param {number} multiple
   * @param {number} least
   * @param {number} strength
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   */
  async continued(network, pixels, multiple, least, strength, onProgress, signal) {
    const [wide, tall] = [pixels.width, pixels.height].map(
      (side) => Math.ceil(Math.max(side, least) / multiple) * multiple,
    );
    const { padded, area } = reflected(pixels, wide, tall);
    const most = this.runtime.memory / 2;
    const { needs } = formOf(network);
    if (network.parts && wide * tall * needs > most) {
      const data = await this.sessions.parts(network, onProgress, signal);
      const painted = await paintParts(this.runtime, network, data, padded, { strength, most, onProgress, signal });
      return cropped(painted, area);
    }
    const session = await this.sessions.of(network, onProgress, signal);
    onProgress({ stage: "paint", done: 0, total: 0 });
    return cropped(await this.whole(session, network, padded, strength), area);
  }

  /**
   * @param {any} session
   * @param {Network} network
   * @param {Pixels} pixels
   * @param {number} strength
   */
  async whole(session, network, pixels, strength) {
    const form = formOf(network);
    const { Tensor } = await this.runtime.module(this.runtime.deviceFor(network));
    const { data, dims } = toTensor(pixels, all(pixels), form);
    /** @type {Record<string, any>} */
    const feeds = { [form.input]: new Tensor(form.bytes ? "uint8" : "float32", data, dims) };
    if (form.strength && session.inputNames.includes(form.strength)) {
      feeds[form.strength] = new Tensor("float32", [strength], [1]);
    }
    const answer = (await session.run(feeds))[form.output];
    const painted = blank(pixels.width, pixels.height);
    const [tall, wide] = form.lastOut ? answer.dims.slice(1) : answer.dims.slice(2);
    if (tall !== pixels.height || wide !== pixels.width) throw new Problem("network-size", { name: network.title });
    const finite = fromTensor(answer, all(painted), painted, 0, 0, form);
    answer.dispose();
    if (!finite) throw new Problem("network-broken", { name: network.title });
    return painted;
  }

  /**
   * A frame of a webcam.
   * @param {Network} network
   * @param {ImageBitmap} bitmap is closed
   * @param {Controls} controls
   */
  async frame(network, bitmap, controls) {
    const pixels = pixelsOf(bitmap);
    bitmap.close();
    const session = await this.sessions.of(network);
    const { least, multiple } = formOf(network);
    const [wide, tall] = [pixels.width, pixels.height].map(
      (side) => Math.ceil(Math.max(side, least) / multiple) * multiple,
    );
    const { padded, area } = reflected(pixels, wide, tall);
    const told = formOf(network).strength ? controls.strength : 1;
    const painted = cropped(await this.whole(session, network, padded, told), area);
    const strength = formOf(network).strength && controls.strength > 0 ? 1 : controls.strength;
    const { data, width, height } = laidOver(pixels, painted, { ...controls, strength });
    return createImageBitmap(new ImageData(data, width, height));
  }
}

/** @param {Network} network @returns {Form} */
function formOf(network) {
  if (!network.form) throw new Problem("network-refused", { name: network.title });
  return network.form;
}

/**
 * The progress of all passes from that of each.
 * @param {{width: number, height: number}[]} sizes
 * @param {OnProgress} onProgress
 * @returns {(progress: Parameters<OnProgress>[0], pass: number) => void}
 */
function shared(sizes, onProgress) {
  const areas = sizes.map(({ width, height }) => width * height);
  const total = areas.reduce((sum, area) => sum + area, 0);
  return (progress, pass) => {
    if (progress.stage !== "paint" || (sizes.length === 1 && !progress.total)) return onProgress(progress);
    const before = areas.slice(0, pass).reduce((sum, area) => sum + area, 0);
    const done = progress.total ? progress.done / progress.total : 0;
    onProgress({ stage: "paint", done: before + areas[pass] * done, total });
  };
}
