/** onnxruntime-web: on WebGPU where there is an adapter, otherwise in WebAssembly. */
import { fetchKept, unpacked } from "./fetching.js";
import { Problem } from "./problem.js";

/** @import {Network, OnProgress, Site} from "./engine.js" */

const MOST_THREADS = 8;
const ALWAYS = 600e6;
const EACH_GIGABYTE = 300e6;

/** @typedef {"wasm" | "webgpu"} Device */

export class Runtime {
  /**
   * @param {Site} site
   * @param {Device} device for networks that it is right for
   * @param {number} threads
   */
  constructor(site, device, threads) {
    this.site = site;
    this.device = device;
    this.threads = threads;
    /** @type {Map<Device, Promise<any>>} */
    this.modules = new Map();
    this.notes = [device === "webgpu" ? "runs-webgpu" : threads > 1 ? "runs-threads" : "runs-single"];
    this.memory = memory();
  }

  /**
   * @param {Site} site
   * @returns {Promise<Runtime>}
   */
  static async choose(site) {
    if (!simd()) throw new Problem("browser-too-old");
    const threads = globalThis.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
    const gpu = site.runtime?.gpu && !new URLSearchParams(location.search).has("wasm") && (await hasAdapter());
    return new Runtime(site, gpu ? "webgpu" : "wasm", threads);
  }

  /**
   * Quantized networks come out wrong on WebGPU, without an error.
   * @param {Network} network
   * @returns {Device}
   */
  deviceFor(network) {
    return network.precision === "fp32" && !network.form?.bytes ? this.device : "wasm";
  }

  /**
   * @param {ArrayBuffer | Uint8Array} graph
   * @param {Device} device
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>} an InferenceSession
   */
  async session(graph, device, onProgress, signal) {
    const ort = await this.module(device, onProgress, signal);
    return ort.InferenceSession.create(graph, { executionProviders: [device], logSeverityLevel: 3 });
  }

  /**
   * @param {Device} device
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>} the module, which makes tensors
   */
  async module(device, onProgress, signal) {
    let found = this.modules.get(device);
    if (!found) {
      found = this.load(device, onProgress, signal);
      this.modules.set(device, found);
      found.catch(() => this.modules.delete(device));
    }
    return found;
  }

  /**
   * @param {Device} device
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal]
   */
  async load(device, onProgress, signal) {
    const base = new URL("./ort/", import.meta.url).href;
    const stem = `ort-wasm-simd-threaded${device === "webgpu" ? ".asyncify" : ""}`;
    const packed = `${stem}.wasm.gzip`;
    const { version, runtime } = this.site;
    const data = await fetchKept(base + packed, { version, bytes: runtime?.bytes[packed], onProgress, signal });
    onProgress?.({ stage: "start", done: 0, total: 0 });
    const ort = await import(`${base}ort.${device === "webgpu" ? "webgpu" : "wasm"}.min.js`);
    Object.assign(ort.env.wasm, {
      numThreads: this.threads,
      wasmPaths: { mjs: `${base}${stem}.js` },
      wasmBinary: await unpacked(data),
    });
    return ort;
  }
}

/** Bytes that a painting may take. */
function memory() {
  const megabytes = Number(new URLSearchParams(location.search).get("memory")); // ?memory=300 is a small phone
  if (megabytes > 0) return megabytes * 1e6;
  // Browsers tell 8 at most, and some tell nothing.
  const gigabytes = /** @type {any} */ (navigator).deviceMemory ?? 4;
  return Math.max(ALWAYS, gigabytes * EACH_GIGABYTE);
}

/** Whether WebAssembly has vectors, without which onnxruntime does not start. */
function simd() {
  // The least function that uses one: (func (result v128) i32.const 0 i8x16.splat)
  const code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];
  return WebAssembly.validate(new Uint8Array(code));
}

async function hasAdapter() {
  try {
    return Boolean(await /** @type {any} */ (navigator).gpu?.requestAdapter());
  } catch {
    return false;
  }
}
