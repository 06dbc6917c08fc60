/** Pixels to a file. */
import { blank } from "./pixels.js";
import { isTransparent } from "./transparency.js";

/** @import {Pixels} from "./pixels.js" */

const QUALITY = 0.95;

/**
 * @param {Pixels} pixels
 * @param {string} type "image/png", "image/jpeg" or "image/webp"
 * @returns {Promise<Blob>} a PNG where the browser cannot write the type
 */
export async function encode(pixels, type) {
  const transparent = isTransparent(pixels);
  // A canvas multiplies colors by alpha, which loses some.
  if (transparent && type === "image/png") return png(pixels);
  const shown = transparent && type === "image/jpeg" ? overWhite(pixels) : pixels;
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  const context = canvas.getContext("2d");
  if (!context) throw new RangeError("out of memory");
  context.putImageData(new ImageData(shown.data, shown.width, shown.height), 0, 0);
  return canvas.convertToBlob({ type, quality: QUALITY });
}

/** @param {Pixels} pixels @returns {Pixels} as it looks on white paper */
function overWhite({ data, width, height }) {
  const result = blank(width, height);
  for (let at = 0; at < data.length; at += 4) {
    const opacity = data[at + 3] / 255;
    for (let i = at; i < at + 3; i++) result.data[i] = Math.floor(data[i] * opacity + 255 * (1 - opacity) + 0.5);
    result.data[at + 3] = 255;
  }
  return result;
}

/** @param {Pixels} pixels @returns {Promise<Blob>} */
async function png({ data, width, height }) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint16(8, 0x0806); // 8 bits; red, green, blue and alpha
  const rows = new Uint8Array(height * (width * 4 + 1)); // each begins with its filter, 0
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 1) + 1);
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const pixels = new Uint8Array(await new Response(packed).arrayBuffer());
  const signature = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [chunk("IHDR", new Uint8Array(header.buffer)), chunk("IDAT", pixels), chunk("IEND", new Uint8Array())];
  return new Blob([signature, ...chunks], { type: "image/png" });
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
