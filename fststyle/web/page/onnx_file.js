/** An ONNX file that somebody drops: whether it is a style network, and how it is fed. */
import { Problem } from "./problem.js";

/** @import {Form, Network} from "./engine.js" */

/** @typedef {{field: number, value: number, bytes: Uint8Array}} Field of a protobuf message; `bytes` if it has some */
/** @typedef {{name: string, type: number, dims: number[]}} Value dims: 0 where free */

const FLOAT = 1;
const UINT8 = 2;
const MOST_BYTES = 512 * 2 ** 20;
const QUANTIZING = new Set(["QuantizeLinear", "DequantizeLinear", "QLinearConv"]);
const TRAINED_SIDE = 512; // as passes.py has it
const USUAL_NEED = 1000; // bytes per pixel

/**
 * @param {File} file
 * @returns {Promise<Network>}
 */
export async function readNetwork(file) {
  const none = new Problem("network-none", { name: file.name });
  if (file.size === 0 || file.size > MOST_BYTES) throw none;
  const data = new Uint8Array(await file.arrayBuffer());
  let found;
  try {
    found = parts(data);
  } catch {
    throw none;
  }
  const { inputs, outputs, operators, metadata } = found;
  if (!operators.size) throw none;
  const takes = inputs.length === 1 ? picture(inputs[0]) : null;
  const gives = outputs.length === 1 ? picture(outputs[0], inputs[0]) : null;
  if (!takes || !gives) throw new Problem("network-other", { name: file.name });
  const card = (/** @type {string} */ key) => metadata.get(`fststyle.${key}`) ?? null;
  const style = card("style") ?? file.name.replace(/\.onnx$/i, "");
  const least = Number(card("min_side") ?? 16);
  /** @type {Form} */
  const form = {
    input: inputs[0].name,
    output: outputs[0].name,
    strength: null,
    bytes: inputs[0].type === UINT8,
    last: takes.last,
    lastOut: gives.last,
    black: 0,
    white: 1,
    bgr: false,
    multiple: card("style") === null ? 8 : 1,
    least,
    fixed: takes.fixed,
    needs: USUAL_NEED,
    trained: TRAINED_SIDE,
    grain: Number(card("grain") ?? 0),
  };
  return {
    name: `${file.name} ${crypto.randomUUID()}`,
    title: style.charAt(0).toUpperCase() + style.slice(1).replaceAll("_", " "),
    painting: card("painting"),
    preview: null,
    file: `added:${file.name}:${file.size}:${file.lastModified}`,
    bytes: file.size,
    precision: [...QUANTIZING].some((name) => operators.has(name)) ? "int8" : (card("precision") ?? "fp32"),
    form,
    parts: null,
  };
}

/**
 * How a value holds a picture; null if it does not.
 * @param {Value} value
 * @param {Value} [like] an output without sides is as the input
 * @returns {{last: boolean, fixed: [number, number]} | null}
 */
function picture({ type, dims }, like) {
  if (type !== FLOAT && type !== UINT8) return null;
  if (dims.length === 0 && like) return picture(like);
  if (dims.length !== 4 || dims[0] > 1) return null;
  if (dims[1] === 3 || (like && dims[1] === 0 && dims[3] !== 3)) return { last: false, fixed: [dims[2], dims[3]] };
  return dims[3] === 3 ? { last: true, fixed: [dims[1], dims[2]] } : null;
}

/** @param {Uint8Array} model */
function parts(model) {
  const metadata = new Map();
  const operators = new Set();
  const weights = new Set();
  /** @type {Value[]} */
  const inputs = [];
  /** @type {Value[]} */
  const outputs = [];
  for (const { field, bytes } of fields(model)) {
    if (field === 14) metadata.set(text(bytes, 1), text(bytes, 2));
    if (field !== 7) continue;
    for (const entry of fields(bytes)) {
      if (entry.field === 1) operators.add(text(entry.bytes, 4));
      if (entry.field === 5) weights.add(text(entry.bytes, 8));
      if (entry.field === 11) inputs.push(valueOf(entry.bytes));
      if (entry.field === 12) outputs.push(valueOf(entry.bytes));
    }
  }
  return { inputs: inputs.filter(({ name }) => !weights.has(name)), outputs, operators, metadata };
}

/** @param {Uint8Array} message @returns {Value} */
function valueOf(message) {
  const tensor = inside(inside(message, 2), 1);
  const shape = [...fields(inside(tensor, 2))].filter(({ field }) => field === 1);
  const number = (/** @type {Uint8Array} */ bytes, /** @type {number} */ wanted) =>
    [...fields(bytes)].find(({ field }) => field === wanted)?.value ?? 0;
  return { name: text(message, 1), type: number(tensor, 1), dims: shape.map(({ bytes }) => number(bytes, 1)) };
}

/** @param {Uint8Array} message @param {number} wanted */
function inside(message, wanted) {
  for (const { field, bytes } of fields(message)) if (field === wanted) return bytes;
  return new Uint8Array();
}

/** @param {Uint8Array} message @param {number} wanted */
function text(message, wanted) {
  return new TextDecoder().decode(inside(message, wanted));
}

/**
 * The fields of a protobuf message.
 * @param {Uint8Array} message
 * @returns {Generator<Field>}
 */
function* fields(message) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (at >= message.length || factor > 2 ** 63) throw new RangeError("cut off");
      const byte = message[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key % 8;
    const field = Math.floor(key / 8);
    const value = kind === 0 ? varint() : 0;
    const length = kind === 2 ? varint() : kind === 1 ? 8 : kind === 5 ? 4 : 0;
    if ((kind !== 0 && length === 0 && kind !== 2) || at + length > message.length) throw new RangeError("cut off");
    yield { field, value, bytes: message.subarray(at, at + length) };
    at += length;
  }
}
