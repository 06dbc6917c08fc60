/** Pixels to a file. */
import { isTransparent, overWhite } from "./transparency.js";

/** @import {Pixels} from "./pixels.js" */

const QUALITY = 0.95;

/**
 * @param {Pixels} pixels
 * @param {string} type "image/png", "image/jpeg" or "image/webp"
 * @returns {Promise<Blob>} a PNG where the browser cannot write the type
 */
export async function encode(pixels, type) {
  const transparent = isTransparent(pixels);
  // A canvas multiplies colors by alpha, which loses some, and writes alpha where there is none.
  if (type === "image/png") return png(pixels, transparent ? 4 : 3);
  const shown = transparent && type === "image/jpeg" ? overWhite(pixels) : pixels;
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  const context = canvas.getContext("2d");
  if (!context) throw new RangeError("out of memory");
  context.putImageData(new ImageData(shown.data, shown.width, shown.height), 0, 0);
  return canvas.convertToBlob({ type, quality: QUALITY });
}

/**
 * @param {Pixels} pixels
 * @param {3 | 4} channels
 * @returns {Promise<Blob>}
 */
async function png(pixels, channels) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, pixels.width);
  header.setUint32(4, pixels.height);
  header.setUint16(8, channels === 4 ? 0x0806 : 0x0802); // 8 bits a channel
  const packed = new Blob([filtered(pixels, channels)]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  const signature = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [chunk("IHDR", new Uint8Array(header.buffer)), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return new Blob([signature, ...chunks], { type: "image/png" });
}

/**
 * Rows as a PNG packs them: the differences to the pixel on the left, behind the number of this filter.
 * @param {Pixels} pixels
 * @param {3 | 4} channels
 */
function filtered({ data, width, height }, channels) {
  const rows = new Uint8Array(height * (width * channels + 1));
  let to = 0;
  for (let y = 0; y < height; y++) {
    rows[to++] = 1;
    const start = y * width * 4;
    for (let at = start; at < start + width * 4; at += 4) {
      for (let i = at; i < at + channels; i++) rows[to++] = data[i] - (at > start ? data[i - 4] : 0);
    }
  }
  return rows;
}

/** @param {string} name @param {Uint8Array} content */
function chunk(name, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(
    [...name].map((letter) => letter.charCodeAt(0)),
    4,
  );
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc(bytes.subarray(4, content.length + 8)));
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}
