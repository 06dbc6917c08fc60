/** Gives the numbers of a style for a painting; a body paints with them. */
import { networkFile } from "./body.js";
import { openPhoto } from "./decoding.js";
import { lookedAt, middle, previewOf } from "./painting.js";

/** @import {Network, OnProgress, Predictor as Known} from "./engine.js" */
/** @import {Pixels} from "./pixels.js" */
/** @import {Runtime} from "./runtime.js" */
/** @import {Sessions} from "./sessions.js" */

export class Predictor {
  /** @param {Runtime} runtime @param {Sessions} sessions */
  constructor(runtime, sessions) {
    this.runtime = runtime;
    this.sessions = sessions;
    this.known = /** @type {Known} */ (runtime.site.predictor);
  }

  /**
   * @param {File} painting
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   */
  async look(painting, onProgress, signal) {
    const { most, body } = this.known;
    const { shown, pixels, transparent } = await openPhoto(painting, painting.name);
    const { animated, before } = shown;
    before.close();
    const seen = lookedAt(pixels, painting.name, this.known);
    const found = await this.predict(middle(seen, most), onProgress, signal);
    await this.sessions.fetched(body.file, body.bytes, onProgress, signal);
    if (body.parts) this.sessions.fetched(body.parts.file, body.parts.bytes).catch(() => {}); // for when there is no network
    const shorter = Math.min(pixels.width, pixels.height);
    return { ...found, preview: await previewOf(seen), shorter, transparent, animated };
  }

  /**
   * @param {Pixels} pixels
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   * @returns {Promise<{numbers: Float32Array, strangeness: number}>}
   */
  async predict(pixels, onProgress, signal) {
    const { file, bytes } = this.known;
    const data = await this.sessions.fetched(file, bytes, onProgress, signal);
    const { InferenceSession, Tensor } = await this.runtime.module(this.runtime.device, onProgress, signal);
    signal.throwIfAborted();
    onProgress({ stage: "look", done: 0, total: 0 });
    const session = await InferenceSession.create(data, { executionProviders: ["wasm"], logSeverityLevel: 3 });
    try {
      const rgb = pixels.data.filter((_, at) => at % 4 < 3);
      const painting = new Tensor("uint8", new Uint8Array(rgb.buffer), [1, pixels.height, pixels.width, 3]);
      const { numbers, strangeness } = await session.run({ painting });
      return { numbers: numbers.data.slice(), strangeness: strangeness.data[0] };
    } finally {
      await session.release();
    }
  }

  /**
   * The network of a style as a file.
   * @param {Network} network
   * @param {OnProgress} onProgress
   * @param {AbortSignal} signal
   */
  async file(network, onProgress, signal) {
    const data = await this.sessions.file(network, onProgress, signal);
    return networkFile(data, this.known.body, String(network.painting));
  }
}
