/** Networks that are ready to run; those that were used last stay. */
import { withNumbers } from "./body.js";
import { fetchKept } from "./fetching.js";
import { Problem } from "./problem.js";

/** @import {Network, OnProgress, Parts, Predictor} from "./engine.js" */
/** @import {Runtime} from "./runtime.js" */

const MOST_SESSIONS = 4;

export class Sessions {
  /** @param {Runtime} runtime */
  constructor(runtime) {
    this.runtime = runtime;
    /** @type {Map<string, Promise<any>>} the last used at the end */
    this.open = new Map();
    /** @type {Map<string, ArrayBuffer>} files that are no part of the site */
    this.added = new Map();
  }

  /**
   * @param {Network} network
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   */
  of(network, onProgress, signal) {
    const key = String(network.file);
    let session = this.open.get(key);
    this.open.delete(key);
    session ??= this.opened(network, onProgress, signal);
    this.open.set(key, session);
    session.catch(() => this.open.delete(key));
    for (const old of [...this.open.keys()].slice(0, -MOST_SESSIONS)) {
      this.open.get(old)?.then((unused) => unused.release());
      this.open.delete(old);
    }
    return session;
  }

  /**
   * @param {Network} network
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   */
  async opened(network, onProgress, signal) {
    const data = await this.file(network, onProgress, signal);
    const device = this.runtime.deviceFor(network);
    await this.runtime.module(device, onProgress, signal);
    try {
      return await this.runtime.session(data, device);
    } catch (error) {
      if (Problem.of(error).key === "memory") throw error;
      throw new Problem("network-refused", { name: network.title });
    }
  }

  /**
   * @param {Network} network
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   * @returns {Promise<ArrayBuffer>}
   */
  async file(network, onProgress, signal) {
    const added = this.added.get(network.name);
    if (added) return added;
    if (!network.numbers) return this.fetched(String(network.file), network.bytes, onProgress, signal);
    const { body } = /** @type {Predictor} */ (this.runtime.site.predictor);
    return withNumbers(await this.fetched(body.file, body.bytes, onProgress, signal), body.numbers, network.numbers);
  }

  /**
   * The graphs that a network was cut into, one after the other; only for one that was.
   * @param {Network} network
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   * @returns {Promise<ArrayBuffer>}
   */
  async parts(network, onProgress, signal) {
    const { file, bytes, numbers } = /** @type {Parts} */ (network.parts);
    const data = await this.fetched(file, bytes, onProgress, signal);
    return numbers && network.numbers ? withNumbers(data, numbers, network.numbers) : data;
  }

  /**
   * @param {string} file
   * @param {number} bytes
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   */
  fetched(file, bytes, onProgress, signal) {
    const address = new URL(file, new URL("./", import.meta.url)).href;
    return fetchKept(address, { version: this.runtime.site.version, bytes, onProgress, signal });
  }
}
