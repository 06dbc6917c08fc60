/** The engine that paints in this browser: everything heavy happens in a worker. */
import { ownStyle, sentencesOn } from "./own_style.js";
import { Problem } from "./problem.js";

/** @import {Engine, Live, Network, OnProgress, Photo, Predictor, Request, Site} from "./engine.js" */

/** Longer side of what is painted for the screen first. */
export const SCREEN_SIDE = 1024;

const SIDES = [512, SCREEN_SIDE, 2048, 4096, 8192];

/**
 * @param {Site} site
 * @returns {Promise<Engine>}
 */
export async function open(site) {
  if (typeof WebAssembly !== "object" || typeof OffscreenCanvas === "undefined" || !globalThis.createImageBitmap) {
    throw new Problem("browser-too-old");
  }
  const worker = new PaintingWorker(site);
  const started = await worker.ask("start", { site });
  return {
    kind: "browser",
    notes: started.notes,
    passes: true,
    load: (network, onProgress, signal) => worker.ask("load", { network }, { onProgress, signal }),
    open: (blob, signal) => worker.ask("open", { blob, name: blob instanceof File ? blob.name : "" }, { signal }),
    sizes: (photo, network) => sizes(photo, network, started.memory),
    paint: (request, onProgress, signal) => worker.ask("paint", bare(request), { onProgress, signal }),
    save: (request, type, onProgress, signal) => worker.ask("save", { ...bare(request), type }, { onProgress, signal }),
    live: (network) => live(worker, network),
    add: (file, signal) => worker.ask("add", { file }, { signal }),
    newStyle: (painting, onProgress, signal) => newStyle(worker, painting, { onProgress, signal }),
    networkFile: (network, onProgress, signal) => worker.ask("file", { network }, { onProgress, signal }),
    close: (photo) => {
      photo.before.close();
      worker.ask("close", { id: photo.id }).catch(() => {});
    },
  };
}

/**
 * @param {PaintingWorker} worker
 * @param {Network} network
 * @returns {Promise<Live>}
 */
async function live(worker, network) {
  await worker.ask("load", { network });
  return {
    frame: (bitmap, controls) => worker.ask("frame", { network, bitmap, controls }, { transfer: [bitmap] }),
    close() {},
  };
}

/**
 * @param {PaintingWorker} worker
 * @param {File} painting
 * @param {Asking} asking
 */
async function newStyle(worker, painting, asking) {
  const predictor = /** @type {Predictor} */ (worker.site.predictor);
  const { numbers, preview, ...found } = await worker.ask("look", { painting }, asking);
  const { form, parts } = predictor.body;
  const network = { ...ownStyle(painting, preview), form, parts, numbers };
  return { network, said: [...(found.animated ? ["first-frame"] : []), ...sentencesOn(found, predictor)] };
}

/** @param {Request} request */
function bare({ photo, network, controls, side }) {
  return { id: photo.id, blob: photo.blob, name: photo.name, network, controls, side };
}

/**
 * Sides that the device has the memory for.
 * @param {Photo} photo
 * @param {Network} network
 * @param {number} memory in bytes
 */
function sizes(photo, network, memory) {
  const longer = Math.max(photo.width, photo.height);
  const pixels = photo.width * photo.height;
  const fits = (/** @type {number} */ side) => {
    const painted = pixels * (side / longer) ** 2;
    const each = network.parts ? network.parts.held + 24 : (network.form?.needs ?? 1000);
    return painted * each <= memory || side <= SIDES[0];
  };
  const offered = [...SIDES.filter((side) => side < longer * 0.95), longer].filter(fits);
  return offered.length ? offered : [Math.min(longer, SIDES[0])];
}

/**
 * A worker that answers questions; a new one is started where one died.
 * @typedef {{onProgress?: OnProgress, signal?: AbortSignal, transfer?: Transferable[]}} Asking
 */
class PaintingWorker {
  /** @param {Site} site */
  constructor(site) {
    this.site = site;
    this.next = 0;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (reason: unknown) => void, onProgress?: OnProgress}>} */
    this.waiting = new Map();
    this.worker = this.begin();
  }

  begin() {
    const address = new URL("./worker.js", import.meta.url);
    address.search = location.search; // ?wasm keeps off WebGPU
    const worker = new Worker(address, { type: "module" });
    worker.onmessage = ({ data }) => this.hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.die(event.message);
    };
    return worker;
  }

  /**
   * @param {string} task
   * @param {Record<string, unknown>} values
   * @param {Asking} [asking]
   * @returns {Promise<any>}
   */
  ask(task, values, { onProgress, signal, transfer = [] } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const number = ++this.next;
      this.waiting.set(number, { resolve, reject, onProgress });
      signal?.addEventListener("abort", () => {
        if (!this.waiting.delete(number)) return;
        this.worker.postMessage({ task: "cancel", number });
        reject(signal.reason);
      });
      this.worker.postMessage({ task, number, ...values }, transfer);
    });
  }

  /** @param {any} message */
  hear({ number, progress, answer, problem, fatal }) {
    const asked = this.waiting.get(number);
    if (progress) return asked?.onProgress?.(progress);
    this.waiting.delete(number);
    if (problem) asked?.reject(new Problem(problem.key, problem.values));
    else asked?.resolve(answer);
    if (fatal) this.die("memory");
  }

  /**
   * WebAssembly that ran out of memory is of no more use.
   * @param {string} message
   */
  die(message) {
    this.worker.terminate();
    const asked = [...this.waiting.values()];
    this.waiting.clear();
    this.worker = this.begin();
    this.ask("start", { site: this.site }).catch(() => {});
    for (const { reject } of asked) reject(Problem.of(new Error(message)));
  }
}
