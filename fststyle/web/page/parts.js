/**
 * Large photos: a network part by part, each over tiles, so that every instance norm sees the whole photo.
 *
 * What fststyle/graph/parts.py cuts is put together here.
 */
import { blank, fromTensor, toTensor } from "./pixels.js";
import { Problem } from "./problem.js";

/** @import {Form, Network, OnProgress, Parts} from "./engine.js" */
/** @import {Area, Pixels} from "./pixels.js" */
/** @import {Runtime} from "./runtime.js" */

const LEAST_CORE = 128;
const MOST_CORE = 1024;

/** @typedef {Float32Array | Uint8Array | Int8Array} Numbers */
/** @typedef {{data: Numbers, type: string, channels: number, height: number, width: number}} Held a whole tensor */
/** @typedef {{core: Area, seen: Area, photo: Pixels}} Tile `core` is wanted, `seen` is run for it; in pixels */

/**
 * @param {Runtime} runtime
 * @param {Network} network
 * @param {ArrayBuffer} data the graphs, one after the other
 * @param {Pixels} pixels
 * @param {{strength: number, most: number, onProgress: OnProgress, signal: AbortSignal}} settings most: bytes for a tile
 * @returns {Promise<Pixels>}
 */
export async function paintParts(runtime, network, data, pixels, { strength, most, onProgress, signal }) {
  const parts = /** @type {Parts} */ (network.parts);
  const form = /** @type {Form} */ (network.form);
  const device = runtime.deviceFor(network);
  const { Tensor } = await runtime.module(device, onProgress, signal);
  const channels = parts.parts.reduce((sum, part) => sum + part.channels, 0);
  const statistics = { mean: new Float32Array(channels), variance: new Float32Array(channels).fill(1), known: 0 };
  const painted = blank(pixels.width, pixels.height);
  /** @type {Map<string, Held>} */
  const held = new Map();
  const grids = parts.parts.map((part) =>
    tiles(pixels, part.halo, parts.align, coreSide(form.needs, most, part.halo, parts.align)),
  );
  const total = grids.reduce((sum, grid) => sum + grid.length, 0);
  let done = 0;
  for (const [number, part] of parts.parts.entries()) {
    const session = await runtime.session(new Uint8Array(data, part.at, part.bytes), device);
    try {
      for (const tile of grids[number]) {
        await pause();
        signal.throwIfAborted();
        const feeds = feedsOf(session.inputNames, tile, { Tensor, form, parts, held, statistics, strength });
        const answers = await session.run(feeds);
        for (const name of part.gives) {
          const answer = answers[name];
          if (part.source === null) draw(answer, tile, painted, form, network);
          else store(answer, name, tile, held, parts.strides[name]);
          answer.dispose();
        }
        onProgress({ stage: "paint", done: ++done, total });
      }
    } finally {
      await session.release();
    }
    if (part.source !== null) measure(/** @type {Held} */ (held.get(part.source)), statistics);
    const later = new Set(parts.parts.slice(number + 1).flatMap(({ takes }) => takes));
    for (const name of held.keys()) if (!later.has(name)) held.delete(name);
  }
  return painted;
}

/**
 * Side of a tile without its halo.
 * @param {number} needs bytes per pixel
 * @param {number} most bytes
 * @param {number} halo
 * @param {number} align
 */
function coreSide(needs, most, halo, align) {
  const side = Math.min(MOST_CORE, Math.max(LEAST_CORE, Math.sqrt(most / needs) - 2 * halo));
  return Math.max(1, Math.floor(side / align)) * align;
}

/**
 * The last tile comes first: it tells how large the whole tensors are.
 * @param {Pixels} photo
 * @param {number} halo
 * @param {number} align
 * @param {number} core
 * @returns {Tile[]}
 */
export function tiles(photo, halo, align, core) {
  const made = [];
  for (const [top, bottom] of spans(photo.height, core, align)) {
    for (const [left, right] of spans(photo.width, core, align)) {
      const seen = {
        top: Math.max(0, top - halo),
        left: Math.max(0, left - halo),
        bottom: Math.min(photo.height, bottom + halo),
        right: Math.min(photo.width, right + halo),
      };
      made.push({ core: { top, left, bottom, right }, seen, photo });
    }
  }
  return made.reverse();
}

/**
 * Of about the same length, so that none is too short for a network's own border.
 * @param {number} length
 * @param {number} core
 * @param {number} align
 */
function spans(length, core, align) {
  const count = Math.ceil(length / core);
  const each = Math.ceil(length / count / align) * align;
  const starts = Array.from({ length: Math.ceil(length / each) }, (_, number) => number * each);
  return starts.map((start) => [start, Math.min(start + each, length)]);
}

/**
 * @param {string[]} names
 * @param {Tile} tile
 * @param {{Tensor: any, form: Form, parts: Parts, held: Map<string, Held>, statistics: {mean: Float32Array, variance: Float32Array}, strength: number}} given
 */
function feedsOf(names, tile, { Tensor, form, parts, held, statistics, strength }) {
  /** @type {Record<string, any>} */
  const feeds = {};
  for (const name of names) {
    const tensor = held.get(name);
    if (name === form.input) {
      const { data, dims } = toTensor(tile.photo, tile.seen, form);
      feeds[name] = new Tensor(form.bytes ? "uint8" : "float32", data, dims);
    } else if (tensor) {
      const { data, dims } = cut(tensor, areaOf(tile.seen, tile.photo, parts.strides[name], tensor));
      feeds[name] = new Tensor(tensor.type, data, dims);
    } else if (name === form.strength) feeds[name] = new Tensor("float32", [strength], [1]);
    else if (name === "mean") feeds[name] = new Tensor("float32", statistics.mean, [statistics.mean.length]);
    else feeds[name] = new Tensor("float32", statistics.variance, [statistics.variance.length]);
  }
  return feeds;
}

/**
 * The positions of a tensor that belong to an area of the photo; what is beyond the photo belongs to its last pixels.
 * @param {Area} area
 * @param {{width: number, height: number}} photo
 * @param {[number, number]} strides
 * @param {{width: number, height: number}} tensor
 * @returns {Area}
 */
function areaOf({ top, left, bottom, right }, photo, [down, across], tensor) {
  return {
    top: top / down,
    left: left / across,
    bottom: bottom === photo.height ? tensor.height : bottom / down,
    right: right === photo.width ? tensor.width : right / across,
  };
}

/** @param {Held} tensor @param {Area} area */
function cut({ data, channels, height, width }, { top, left, bottom, right }) {
  const tall = bottom - top;
  const wide = right - left;
  const Kind = /** @type {any} */ (data.constructor);
  const part = new Kind(channels * tall * wide);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < tall; y++) {
      const start = (channel * height + top + y) * width + left;
      part.set(data.subarray(start, start + wide), (channel * tall + y) * wide);
    }
  }
  return { data: part, dims: [1, channels, tall, wide] };
}

/**
 * Put the core of a tile into the whole tensor.
 * @param {{data: Numbers, type: string, dims: readonly number[]}} answer
 * @param {string} name
 * @param {Tile} tile
 * @param {Map<string, Held>} held
 * @param {[number, number]} strides
 */
function store(answer, name, tile, held, strides) {
  const [, channels, tall, wide] = answer.dims;
  const offset = { top: tile.seen.top / strides[0], left: tile.seen.left / strides[1] };
  let whole = held.get(name);
  if (!whole) {
    const height = offset.top + tall;
    const width = offset.left + wide;
    const Kind = /** @type {any} */ (answer.data.constructor);
    whole = { data: new Kind(channels * height * width), type: answer.type, channels, height, width };
    held.set(name, whole);
  }
  const { top, left, bottom, right } = areaOf(tile.core, tile.photo, strides, whole);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = top; y < bottom; y++) {
      const start = (channel * tall + y - offset.top) * wide + left - offset.left;
      const row = answer.data.subarray(start, start + right - left);
      whole.data.set(row, (channel * whole.height + y) * whole.width + left);
    }
  }
}

/**
 * The mean and the variance of every channel, for the next norm.
 * @param {Held} tensor
 * @param {{mean: Float32Array, variance: Float32Array, known: number}} statistics
 */
function measure({ data, channels, height, width }, statistics) {
  const count = height * width;
  for (let channel = 0; channel < channels; channel++) {
    const plane = data.subarray(channel * count, (channel + 1) * count);
    let sum = 0;
    for (let i = 0; i < count; i++) sum += plane[i];
    const mean = sum / count;
    let squares = 0;
    for (let i = 0; i < count; i++) squares += (plane[i] - mean) ** 2;
    statistics.mean[statistics.known] = mean;
    statistics.variance[statistics.known++] = squares / count;
  }
}

/**
 * @param {{data: Numbers, dims: readonly number[]}} answer
 * @param {Tile} tile
 * @param {Pixels} painted
 * @param {Form} form
 * @param {Network} network
 */
function draw(answer, { core, seen }, painted, form, network) {
  const from = {
    top: core.top - seen.top,
    left: core.left - seen.left,
    bottom: core.bottom - seen.top,
    right: core.right - seen.left,
  };
  const finite = fromTensor(answer, from, painted, core.top, core.left, form);
  if (!finite) throw new Problem("network-broken", { name: network.title });
}

/** Lets messages in, so that a painting can be cancelled. */
function pause() {
  return new Promise((resolve) => setTimeout(resolve));
}
