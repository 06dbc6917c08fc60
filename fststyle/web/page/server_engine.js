/** The engine that has the server paint. Its sentences are in lang/jobs.*.json. */
import { pixelsOf } from "./decoding.js";
import { encode } from "./encoding.js";
import { ownStyle, sentencesOn } from "./own_style.js";
import { lookedAt, previewOf } from "./painting.js";
import { blank } from "./pixels.js";
import { Problem } from "./problem.js";
import { isTransparent } from "./transparency.js";

/** @import {Controls, Engine, Live, Network, Photo, Request, Site} from "./engine.js" */

const SIDES = [512, 1024, 2048];
const BEFORE_SIDE = 2048;
const LIVE_QUALITY = 0.9;
const FORMATS = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

/** @typedef {{pixels: number, picture_bytes: number}} Limited */

let photos = 0;

/**
 * @param {Site} site
 * @returns {Promise<Engine>}
 */
export async function open(site) {
  const { limits } = await (await ask("api")).json();
  return {
    kind: "server",
    notes: [],
    passes: true,
    load: async () => {},
    open: (blob, signal) => openPhoto(blob, site.networks[0], limits, signal),
    sizes: (photo) => sizes(photo, limits.pixels),
    paint: async (request, onProgress, signal) => {
      onProgress({ stage: "paint", done: 0, total: 0 });
      return createImageBitmap(await painted(request, "webp", signal));
    },
    save: async (request, type, onProgress, signal) => {
      onProgress({ stage: "paint", done: 0, total: 0 });
      return painted(request, FORMATS[/** @type {keyof typeof FORMATS} */ (type)], signal);
    },
    live: async (network) => live(network),
    add: null,
    newStyle: (painting, onProgress, signal) => newStyle(painting, site, limits, signal),
    networkFile: null,
    close: (photo) => photo.before.close(),
  };
}

/**
 * Ask the server; whatever it refuses becomes a sentence of the page.
 * @param {string} address relative to the page
 * @param {RequestInit} [options]
 */
export async function ask(address, options) {
  let response;
  try {
    response = await fetch(new URL(address, document.baseURI), options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("server-away");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Problem("server-says", { message: said.error ?? `status ${response.status}`, status: response.status });
}

/**
 * @param {Blob} blob
 * @param {Record<string, string | number>} query
 * @param {AbortSignal} [signal]
 * @param {Blob} [style] a painting, where the query names no network
 */
async function post(blob, query, signal, style) {
  const form = new FormData();
  form.append("picture", blob, blob instanceof File ? blob.name : "photo");
  if (style) form.append("style", style, "painting");
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return ask(`api/paint?${words}`, { method: "POST", body: form, signal });
}

/** @param {Request} request @param {string} format @param {AbortSignal} signal */
async function painted({ photo, network, controls, side }, format, signal) {
  const query = { ...named(network), ...words(controls), max_side: side, format };
  return (await post(photo.blob, query, signal, network.style)).blob();
}

/** @param {Network} network @returns {Record<string, string>} */
function named(network) {
  return network.style ? {} : { network: network.name };
}

/** @param {Controls} controls as the server calls them */
export function words({ strength, scale, keepColor, passes }) {
  return { strength, scale, keep_color: String(keepColor), passes };
}

/**
 * The server makes a network of it when it first paints with it; the photo of that is one pixel.
 * @param {File} painting
 * @param {Site} site
 * @param {Limited} limits
 * @param {AbortSignal} signal
 */
async function newStyle(painting, site, limits, signal) {
  const bitmap = await decoded(painting, site.networks[0], limits, signal);
  const { width, height } = bitmap;
  const pixels = pixelsOf(bitmap);
  bitmap.close();
  const shorter = Math.min(width, height);
  const seen = lookedAt(pixels, painting.name, site.predictor, Math.min(shorter, site.predictor.size));
  const style = await encode(seen, "image/png");
  const answer = await post(await encode(blank(1, 1), "image/png"), {}, signal, style);
  const strangeness = Number(answer.headers.get("Fststyle-Strangeness"));
  const network = { ...ownStyle(painting, await previewOf(seen)), style };
  return { network, said: sentencesOn({ strangeness, shorter, transparent: isTransparent(pixels) }, site.predictor) };
}

/**
 * @param {Blob} blob
 * @param {Network} network any
 * @param {Limited} limits
 * @param {AbortSignal} signal
 */
async function decoded(blob, network, limits, signal) {
  const name = blob instanceof File ? blob.name : "";
  if (blob.size === 0) throw new Problem("photo-empty", { name });
  if (blob.size > limits.picture_bytes) {
    throw new Problem("file-too-large", { name, most: Math.floor(limits.picture_bytes / 1e6) });
  }
  // What the browser cannot read, the server may; at a strength of 0 it gives back the photo.
  const bitmap = await createImageBitmap(blob).catch(async () => {
    const plain = { network: network.name, strength: 0, format: "png" };
    return createImageBitmap(await (await post(blob, plain, signal)).blob());
  });
  const { width, height } = bitmap;
  if (width * height > limits.pixels) {
    bitmap.close();
    throw new Problem("too-many-pixels", { name, width, height, most: Math.floor(limits.pixels / 1e6) });
  }
  return bitmap;
}

/**
 * @param {Blob} blob
 * @param {Network} network any
 * @param {Limited} limits
 * @param {AbortSignal} signal
 * @returns {Promise<Photo>}
 */
async function openPhoto(blob, network, limits, signal) {
  const name = blob instanceof File ? blob.name : "";
  const bitmap = await decoded(blob, network, limits, signal);
  const { width, height } = bitmap;
  const scale = Math.min(1, BEFORE_SIDE / Math.max(width, height));
  const before = await createImageBitmap(bitmap, {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: "high",
  });
  bitmap.close();
  return { id: ++photos, name, type: blob.type, width, height, blob, before };
}

/** @param {Photo} photo @param {number} most pixels */
function sizes({ width, height }, most) {
  const longer = Math.max(width, height);
  const offered = [...SIDES.filter((side) => side < longer * 0.95), longer];
  const fitting = offered.filter((side) => width * height * (side / longer) ** 2 <= most);
  return fitting.length ? fitting : [offered[0]];
}

/**
 * @param {Network} network
 * @returns {Live}
 */
function live(network) {
  const canvas = new OffscreenCanvas(1, 1);
  return {
    async frame(bitmap, controls) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      const context = canvas.getContext("2d");
      if (!context) throw new Problem("memory");
      context.drawImage(bitmap, 0, 0);
      bitmap.close();
      const frame = await canvas.convertToBlob({ type: "image/jpeg", quality: LIVE_QUALITY });
      const shown = { ...controls, scale: 1, passes: /** @type {1} */ (1) }; // the others are hidden here
      const query = { ...named(network), ...words(shown), format: "jpg", quality: 90 };
      return createImageBitmap(await (await post(frame, query, undefined, network.style)).blob());
    },
    close() {},
  };
}
