/** A painting as its style is read, as fststyle/pictures/painting.py and fststyle/predict/new_style.py have it. */
import { encode } from "./encoding.js";
import { cropped } from "./pixels.js";
import { Problem } from "./problem.js";
import { reduced, resized, round } from "./resizing.js";
import { isTransparent, overWhite } from "./transparency.js";

/** @import {Looking} from "./engine.js" */
/** @import {Pixels} from "./pixels.js" */

const PREVIEW_SIDE = 224;

// A painting that is larger than this many times its size is averaged first: the result is the same, in a fifth of the time.
const KEPT = 4;

/**
 * @param {Pixels} pixels
 * @param {string} name of the file
 * @param {Looking} looking
 * @param {number} [size] the shorter side in pixels that it is given
 * @returns {Pixels} opaque
 */
export function lookedAt(pixels, name, looking, size = looking.size) {
  const { width, height } = pixels;
  const shorter = Math.min(width, height);
  if ((Math.max(width, height) / shorter) * looking.size ** 2 > looking.narrow)
    throw new Problem("painting-narrow", { name, width: String(width), height: String(height) });
  const [wide, tall] = [width, height].map((side) => Math.max(1, round(side * (size / shorter))));
  const opaque = isTransparent(pixels) ? overWhite(pixels) : pixels;
  return resized(reduced(opaque, Math.floor(shorter / size / KEPT)), wide, tall);
}

/**
 * The middle of a large painting.
 * @param {Pixels} pixels
 * @param {number} most pixels of it
 */
export function middle(pixels, most) {
  const { width, height } = pixels;
  const share = Math.min(1, Math.sqrt(most / (height * width)));
  return centered(pixels, Math.max(1, Math.floor(width * share)), Math.max(1, Math.floor(height * share)));
}

/**
 * What shows it in the list of styles.
 * @param {Pixels} pixels
 */
export function previewOf(pixels) {
  const side = Math.min(pixels.width, pixels.height);
  return encode(resized(centered(pixels, side, side), PREVIEW_SIDE, PREVIEW_SIDE), "image/webp");
}

/** @param {Pixels} pixels @param {number} wide @param {number} tall */
function centered(pixels, wide, tall) {
  const top = Math.floor((pixels.height - tall) / 2);
  const left = Math.floor((pixels.width - wide) / 2);
  return cropped(pixels, { top, left, bottom: top + tall, right: left + wide });
}
