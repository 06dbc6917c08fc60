/** A file to pixels: upright, in sRGB, its transparency apart from its colors. */
import { sizeOf } from "./headers.js";
import { blank } from "./pixels.js";
import { Problem } from "./problem.js";
import { isTransparent } from "./transparency.js";

/** @import {Photo} from "./engine.js" */
/** @import {Pixels} from "./pixels.js" */

const MOST_PIXELS = 250_000_000;
const BEFORE_SIDE = 2048;
const BAND_ROWS = 512;
const HEADER_BYTES = 2 ** 18; // a JPEG has its size behind what a camera writes into it

/** What files begin with. */
const SIGNATURES = [
  { type: "image/jpeg", at: 0, text: "\xff\xd8\xff" },
  { type: "image/png", at: 0, text: "\x89PNG" },
  { type: "image/gif", at: 0, text: "GIF8" },
  { type: "image/webp", at: 8, text: "WEBP" },
  { type: "image/avif", at: 4, text: "ftypavif" },
  { type: "image/bmp", at: 0, text: "BM" },
  ...["heic", "heix", "hevc", "mif1", "msf1"].map((brand) => ({ type: "image/heic", at: 4, text: `ftyp${brand}` })),
  { type: "image/tiff", at: 0, text: "II*\0" },
  { type: "image/tiff", at: 0, text: "MM\0*" },
];

/** Pictures that the most browsers do not decode to pixels. */
const UNREAD = { "image/heic": "HEIC", "image/tiff": "TIFF", "image/svg+xml": "SVG" };

let photos = 0;

/**
 * @param {Blob} blob
 * @param {string} name
 * @returns {Promise<{shown: Photo, pixels: Pixels, transparent: boolean}>}
 */
export async function openPhoto(blob, name) {
  if (blob.size === 0) throw new Problem("photo-empty", { name });
  const type = await typeOf(blob).catch(() => {
    throw new Problem("photo-none", { name }); // a folder, or a file that was removed
  });
  const announced = sizeOf(new DataView(await blob.slice(0, HEADER_BYTES).arrayBuffer()), type);
  if (announced) refuseMany(announced, name);
  const bitmap = await decoded(blob, type, name);
  const { width, height } = bitmap;
  try {
    refuseMany(bitmap, name);
    const checked = await checkedFrame(blob, type, name);
    let pixels = pixelsOf(bitmap);
    const transparent = isTransparent(pixels);
    // A canvas multiplies colors by alpha, and loses those of faint pixels.
    if (transparent && checked?.pixels?.width === width && checked.pixels.height === height) pixels = checked.pixels;
    const shown = { id: ++photos, name, type, width, height, blob, before: await smaller(bitmap) };
    return { shown: { ...shown, animated: checked?.animated ?? false }, pixels, transparent };
  } finally {
    bitmap.close();
  }
}

/** @param {{width: number, height: number}} size @param {string} name */
function refuseMany({ width, height }, name) {
  if (width * height > MOST_PIXELS)
    throw new Problem("photo-too-large", { name, width: String(width), height: String(height) });
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>} by its content; a name may be wrong
 */
export async function typeOf(blob) {
  const start = String.fromCharCode(...new Uint8Array(await blob.slice(0, 16).arrayBuffer()));
  return SIGNATURES.find(({ at, text }) => start.startsWith(text, at))?.type ?? blob.type;
}

/**
 * @param {Blob} blob
 * @param {string} type
 * @param {string} name
 */
async function decoded(blob, type, name) {
  try {
    return await createImageBitmap(type === blob.type ? blob : new Blob([blob], { type }));
  } catch (error) {
    const kind = UNREAD[/** @type {keyof typeof UNREAD} */ (type)];
    if (kind) throw new Problem("photo-kind", { name, kind });
    if (error instanceof RangeError) throw new Problem("memory");
    throw new Problem(type.startsWith("image/") ? "photo-broken" : "photo-none", { name });
  }
}

/**
 * Decode a second time where the browser has a strict decoder: a file that was cut off is refused, and colors come
 * without alpha in them.
 * @param {Blob} blob
 * @param {string} type
 * @param {string} name
 * @returns {Promise<{pixels: Pixels | null, animated: boolean} | null>}
 */
async function checkedFrame(blob, type, name) {
  const Decoder = /** @type {any} */ (globalThis).ImageDecoder;
  if (!Decoder || !(await Decoder.isTypeSupported(type))) return null;
  const decoder = new Decoder({ data: await blob.arrayBuffer(), type, premultiplyAlpha: "none" });
  try {
    const { image } = await decoder.decode();
    const animated = Boolean(decoder.tracks.selectedTrack?.animated);
    const pixels = type === "image/jpeg" ? null : await copied(image);
    image.close();
    return { pixels, animated };
  } catch {
    throw new Problem("photo-broken", { name });
  } finally {
    decoder.close();
  }
}

/**
 * @param {any} frame
 * @returns {Promise<Pixels | null>} null where the browser gives no bytes that mean sRGB
 */
async function copied(frame) {
  const { transfer, primaries } = frame.colorSpace ?? {};
  if (transfer !== "iec61966-2-1" || primaries !== "bt709" || !/^(RGB|BGR)A$/.test(frame.format)) return null;
  const made = blank(frame.displayWidth, frame.displayHeight);
  await frame.copyTo(made.data); // asked for another order, a browser multiplies by alpha on the way
  if (frame.format === "BGRA") {
    for (let at = 0; at < made.data.length; at += 4) {
      [made.data[at], made.data[at + 2]] = [made.data[at + 2], made.data[at]];
    }
  }
  return made;
}

/** @type {OffscreenCanvas | null} of the last picture; frames of a webcam have one size */
let reading = null;

/**
 * @param {ImageBitmap} bitmap
 * @returns {Pixels}
 */
export function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  const pixels = blank(width, height);
  // A canvas as large as the photo would be another copy of it.
  const tall = Math.min(height, BAND_ROWS);
  if (reading?.width !== width || reading.height !== tall) reading = new OffscreenCanvas(width, tall);
  const context = reading.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Problem("memory");
  for (let top = 0; top < height; top += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    pixels.data.set(context.getImageData(0, 0, width, rows).data, top * width * 4);
  }
  return pixels;
}

/** @param {ImageBitmap} bitmap */
function smaller(bitmap) {
  const scale = Math.min(1, BEFORE_SIDE / Math.max(bitmap.width, bitmap.height));
  if (scale === 1) return createImageBitmap(bitmap);
  return createImageBitmap(bitmap, {
    resizeWidth: Math.max(1, Math.round(bitmap.width * scale)),
    resizeHeight: Math.max(1, Math.round(bitmap.height * scale)),
    resizeQuality: "high",
  });
}
