/** Files of the site, kept for when there is no network. */
import { Problem } from "./problem.js";

/** @import {OnProgress} from "./engine.js" */

const PREFIX = `fststyle ${new URL("./", import.meta.url).pathname} `; // as sw.js has it

/**
 * Fetch a file, or take it from the cache that the service worker answers from.
 * @param {string} address
 * @param {{version: string, bytes?: number, onProgress?: OnProgress, signal?: AbortSignal}} settings
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetchKept(address, { version, bytes = 0, onProgress, signal }) {
  const cache = await openCache(version);
  const kept = await cache?.match(address);
  if (kept) return kept.arrayBuffer();
  let response;
  try {
    response = await fetch(address, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem("no-network", { file: nameOf(address) });
  }
  if (!response.ok || !response.body)
    throw new Problem("not-there", { file: nameOf(address), status: response.status });
  const total = bytes || Number(response.headers.get("content-length")) || 0;
  const data = await read(response.body, nameOf(address), (done) =>
    onProgress?.({ stage: "download", done, total: Math.max(total, done) }),
  );
  await cache?.put(address, new Response(data.slice(0))).catch(() => {}); // a full disk is no reason not to paint
  return data;
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @param {string} file
 * @param {(done: number) => void} tell
 * @returns {Promise<ArrayBuffer>}
 */
async function read(stream, file, tell) {
  const pieces = [];
  let done = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done: over } = await reader.read();
      if (over) break;
      pieces.push(/** @type {Uint8Array<ArrayBuffer>} */ (value));
      tell((done += value.length));
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("no-network", { file });
  }
  return new Blob(pieces).arrayBuffer();
}

/**
 * Data that may be packed by gzip; some hosts unpack it on the way.
 * @param {ArrayBuffer} data
 * @returns {Promise<ArrayBuffer>}
 */
export async function unpacked(data) {
  const [first, second] = new Uint8Array(data, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return data;
  return new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/**
 * @param {string} version
 * @returns {Promise<Cache | null>} null where a page may keep nothing
 */
async function openCache(version) {
  try {
    return await caches.open(PREFIX + version);
  } catch {
    return null;
  }
}

/** @param {string} address */
function nameOf(address) {
  return address.split("/").pop() ?? address;
}
