/** The worker: takes one task after the other, and tells how far it is. */
import { openPhoto } from "./decoding.js";
import { encode } from "./encoding.js";
import { readNetwork } from "./onnx_file.js";
import { Painter } from "./painter.js";
import { Predictor } from "./predictor.js";
import { Problem } from "./problem.js";
import { Runtime } from "./runtime.js";

/** @import {OnProgress} from "./engine.js" */

/** @type {Painter} */
let painter;
/** @type {Predictor} */
let predictor;
/** @type {Map<number, AbortController>} */
const running = new Map();
/** @type {Promise<unknown>} */
let last = Promise.resolve();

const scope = /** @type {any} */ (globalThis);

/** @type {Record<string, (values: any, onProgress: OnProgress, signal: AbortSignal) => Promise<any>>} */
const tasks = {
  async start({ site }) {
    const runtime = await Runtime.choose(site);
    painter = new Painter(runtime);
    predictor = new Predictor(runtime, painter.sessions);
    return { notes: runtime.notes, memory: runtime.memory };
  },
  load: ({ network }, onProgress, signal) => painter.load(network, onProgress, signal),
  async open({ blob, name }) {
    const photo = await openPhoto(blob, name);
    painter.keep(photo);
    return photo.shown;
  },
  paint: (request, onProgress, signal) => painter.bitmap(request, onProgress, signal),
  async save(request, onProgress, signal) {
    const painting = await painter.paint(request, onProgress, signal);
    onProgress({ stage: "save", done: 0, total: 0 });
    return encode(painting, request.type);
  },
  frame: ({ network, bitmap, controls }) => painter.frame(network, bitmap, controls),
  async add({ file }) {
    const network = await readNetwork(file);
    await painter.add(network, await file.arrayBuffer());
    return network;
  },
  look: ({ painting }, onProgress, signal) => predictor.look(painting, onProgress, signal),
  file: ({ network }, onProgress, signal) => predictor.file(network, onProgress, signal),
  async close({ id }) {
    painter.forget(id);
  },
};

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  const { task, number, ...values } = data;
  if (task === "cancel") return running.get(number)?.abort();
  const controller = new AbortController();
  running.set(number, controller);
  last = last.then(() => answer(task, number, values, controller.signal));
};

/**
 * @param {string} task
 * @param {number} number
 * @param {any} values
 * @param {AbortSignal} signal
 */
async function answer(task, number, values, signal) {
  try {
    signal.throwIfAborted();
    const result = await tasks[task](values, (progress) => scope.postMessage({ number, progress }), signal);
    const transfer = [result, result?.before].filter((value) => value instanceof ImageBitmap);
    scope.postMessage({ number, answer: result }, transfer);
  } catch (error) {
    if (signal.aborted) return;
    const { key, values: filled } = Problem.of(error);
    scope.postMessage({ number, problem: { key, values: filled }, fatal: key === "memory" });
  } finally {
    running.delete(number);
  }
}
