/**
 * Noise on what a network sees, the same as that of fststyle/paint/grain.py.
 *
 * @import {Pixels} from "./pixels.js"
 */
import { blank } from "./pixels.js";

const MEAN = 510;
const DEVIATION = Math.sqrt((4 * (256 ** 2 - 1)) / 12);

/**
 * @param {Pixels} photo
 * @param {number} levels standard deviation, in gray levels
 * @returns {Pixels} the photo itself at 0
 */
export function grained(photo, levels) {
  if (!levels) return photo;
  const { width, height, data } = photo;
  const made = blank(width, height);
  const scale = Math.fround(levels / DEVIATION);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const noise = Math.fround(scale * noiseAt(x, y));
      for (let i = at; i < at + 3; i++) {
        made.data[i] = Math.floor(Math.fround(Math.fround(data[i] + noise) + 0.5));
      }
      made.data[at + 3] = data[at + 3];
    }
  }
  return made;
}

/** @param {number} x @param {number} y a whole number around 0 */
function noiseAt(x, y) {
  let bits = Math.imul(y, 0x85ebca77) ^ Math.imul(x, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  bits ^= bits >>> 16;
  return (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - MEAN;
}
