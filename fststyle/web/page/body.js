/** The network that the numbers of a style are written into; `fststyle/web/predictor.py` says where they go. */

/** @import {Body, Places} from "./engine.js" */

/**
 * @param {ArrayBuffer} data the body's file, or its parts; it is changed
 * @param {Places} places
 * @param {Float32Array} numbers
 */
export function withNumbers(data, places, numbers) {
  for (const [at, first, count] of places) {
    const these = numbers.slice(first, first + count);
    new Uint8Array(data, at, these.byteLength).set(new Uint8Array(these.buffer));
  }
  return data;
}

/**
 * A body as a file that `fststyle` takes.
 * @param {ArrayBuffer} data with the numbers of the style
 * @param {Body} body
 * @param {string} painting the name of its file
 */
export async function networkFile(data, { card, weights }, painting) {
  const sum = await fingerprint(data, weights);
  // Of a file whose card has no fingerprint, fststyle would say that it is broken; without a card, it takes it.
  if (sum === null) return new Blob([data]);
  const own = { style: painting.replace(/\.[^.]*$/, ""), painting, weights_sha256: sum };
  const entries = {
    ...card,
    ...Object.fromEntries(Object.entries(own).map(([key, text]) => [`fststyle.${key}`, text])),
  };
  return new Blob([data, ...Object.entries(entries).map(metadata)]);
}

/**
 * @param {ArrayBuffer} data
 * @param {Body["weights"]} weights
 * @returns {Promise<string | null>} null where a browser does not compute it: on pages that are not from https
 */
async function fingerprint(data, weights) {
  if (!globalThis.crypto?.subtle) return null;
  const pieces = weights.flatMap(([heading, at, length]) => [heading, new Uint8Array(data, at, length)]);
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(pieces).arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * An entry of an ONNX file's metadata, in protobuf.
 * @param {[string, string]} entry
 */
function metadata(entry) {
  const texts = entry.map((text, number) => field(number + 1, new TextEncoder().encode(text)));
  return field(14, new Uint8Array(texts.flatMap((text) => [...text])));
}

/** @param {number} number @param {Uint8Array} content */
function field(number, content) {
  const length = [];
  for (let rest = content.length; ; rest >>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return new Uint8Array([(number << 3) | 2, ...length, ...content]);
}
