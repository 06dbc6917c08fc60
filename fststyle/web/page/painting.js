/** A painting as its style is read, as fststyle/pictures/painting.py and fststyle/predict/new_style.py have it. */
import { encode } from "./encoding.js";
import { cropped } from "./pixels.js";
import { Problem } from "./problem.js";
import { resized, round } from "./resizing.js";
import { isTransparent, overWhite } from "./transparency.js";

/** @import {Looking} from "./engine.js" */
/** @import {Pixels} from "./pixels.js" */

const PREVIEW_SIDE = 224;

/**
 * @param {Pixels} pixels
 * @param {string} name of the file
 * @param {Looking} looking
 * @returns {Pixels} opaque
 */
export function lookedAt(pixels, name, { size, narrow }) {
  const { width, height } = pixels;
  const shorter = Math.min(width, height);
  if ((Math.max(width, height) / shorter) * size ** 2 > narrow)
    throw new Problem("painting-narrow", { name, width: String(width), height: String(height) });
  const [wide, tall] = [width, height].map((side) => Math.max(1, round(side * (size / shorter))));
  return resized(isTransparent(pixels) ? overWhite(pixels) : pixels, wide, tall);
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
