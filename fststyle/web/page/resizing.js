/** Resizing as Pillow does it, so that the page paints the same pixels as the program. */
import { blank } from "./pixels.js";

/** @import {Pixels} from "./pixels.js" */

/** @typedef {{support: number, at: (x: number) => number}} Filter */

const PRECISION = 22; // bits of Pillow's fixed-point weights

/** @type {Filter} */
export const LANCZOS = {
  support: 3,
  at: (x) => (x > -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0),
};

/** @type {Filter} */
export const BILINEAR = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };

/** @type {Filter} */
export const BICUBIC = {
  support: 2,
  at: (x) => {
    const far = Math.abs(x);
    if (far < 1) return (1.5 * far - 2.5) * far * far + 1;
    return far < 2 ? -0.5 * (((far - 5) * far + 8) * far - 4) : 0;
  },
};

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * Which old positions make up each new one, and with which weights.
 * @param {number} before
 * @param {number} after
 * @param {Filter} filter
 * @param {number} [begin] of the new positions that are wanted
 * @param {number} [end] exclusive
 */
function weightsOf(before, after, filter, begin = 0, end = after) {
  const scale = before / after;
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  const count = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(end - begin);
  const number = new Int32Array(end - begin);
  const weights = new Float64Array((end - begin) * count);
  for (let to = 0; to < end - begin; to++) {
    const center = (begin + to + 0.5) * scale;
    first[to] = Math.max(0, Math.trunc(center - support + 0.5));
    number[to] = Math.min(before, Math.trunc(center + support + 0.5)) - first[to];
    let sum = 0;
    for (let i = 0; i < number[to]; i++) {
      sum += weights[to * count + i] = filter.at((i + first[to] - center + 0.5) / stretch);
    }
    if (sum !== 0) for (let i = 0; i < number[to]; i++) weights[to * count + i] /= sum;
  }
  return { first, number, weights, count };
}

/** @param {Float64Array} weights */
function fixed(weights) {
  return Int32Array.from(weights, (weight) => Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5)));
}

/**
 * @param {Pixels} pixels
 * @param {number} width
 * @param {number} height
 * @param {Filter} [filter]
 * @returns {Pixels} opaque
 */
export function resized(pixels, width, height, filter = LANCZOS) {
  if (pixels.width === width && pixels.height === height) return pixels;
  return resizedRows(pixels, width, height, 0, height, filter);
}

/**
 * Means of squares; what does not fill one at the right and the bottom is left out.
 * @param {Pixels} pixels opaque
 * @param {number} by the side of a square
 * @returns {Pixels}
 */
export function reduced(pixels, by) {
  if (by < 2) return pixels;
  const made = blank(Math.floor(pixels.width / by), Math.floor(pixels.height / by));
  for (let at = 0; at < made.data.length; at += 4) {
    const row = Math.floor(at / 4 / made.width);
    const corner = 4 * by * (row * pixels.width + (at / 4 - row * made.width));
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let down = 0; down < by; down++) {
      const first = corner + 4 * down * pixels.width;
      for (let from = first; from < first + 4 * by; from += 4) {
        red += pixels.data[from];
        green += pixels.data[from + 1];
        blue += pixels.data[from + 2];
      }
    }
    made.data[at] = red / by ** 2;
    made.data[at + 1] = green / by ** 2;
    made.data[at + 2] = blue / by ** 2;
    made.data[at + 3] = 255;
  }
  return made;
}

/**
 * Some rows of the resized picture.
 * @param {Pixels} pixels
 * @param {number} width
 * @param {number} height of all of it
 * @param {number} top
 * @param {number} bottom exclusive
 * @param {Filter} filter
 * @returns {Pixels} opaque
 */
export function resizedRows(pixels, width, height, top, bottom, filter) {
  const down = weightsOf(pixels.height, height, filter, top, bottom);
  const begin = down.first[0];
  const end = down.first[bottom - top - 1] + down.number[bottom - top - 1];
  let data = pixels.data.subarray(begin * pixels.width * 4, end * pixels.width * 4);
  if (pixels.width !== width) {
    const made = new Uint8ClampedArray(width * (end - begin) * 4);
    pass(data, made, end - begin, pixels.width * 4, width * 4, width, 4, weightsOf(pixels.width, width, filter));
    data = made;
  }
  if (pixels.height === height) return { data: data.slice(), width, height: bottom - top };
  const made = blank(width, bottom - top);
  down.first.forEach((first, row) => (down.first[row] = first - begin));
  pass(data, made.data, width, 4, 4, bottom - top, width * 4, down);
  return made;
}

/**
 * Along one direction.
 * @param {Uint8ClampedArray} from
 * @param {Uint8ClampedArray} to
 * @param {number} lines
 * @param {number} fromLine distance of two lines
 * @param {number} toLine
 * @param {number} length of a line that is made
 * @param {number} step distance of two positions in a line
 * @param {ReturnType<typeof weightsOf>} filter
 */
function pass(from, to, lines, fromLine, toLine, length, step, { first, number, weights, count }) {
  const whole = fixed(weights);
  const half = 2 ** (PRECISION - 1);
  for (let position = 0; position < length; position++) {
    const start = first[position];
    const taps = number[position];
    const weight = position * count;
    for (let line = 0; line < lines; line++) {
      let red = half;
      let green = half;
      let blue = half;
      let at = line * fromLine + start * step;
      for (let i = weight; i < weight + taps; i++, at += step) {
        const by = whole[i];
        red += from[at] * by;
        green += from[at + 1] * by;
        blue += from[at + 2] * by;
      }
      const target = line * toLine + position * step;
      to[target] = red >> PRECISION;
      to[target + 1] = green >> PRECISION;
      to[target + 2] = blue >> PRECISION;
      to[target + 3] = 255;
    }
  }
}

/**
 * One plane of numbers, without rounding.
 * @param {Float32Array} plane
 * @param {number} wide
 * @param {number} tall
 * @param {number} width
 * @param {number} height
 * @returns {Float32Array}
 */
export function resizedPlane(plane, wide, tall, width, height) {
  const across = weightsOf(wide, width, LANCZOS);
  const down = weightsOf(tall, height, LANCZOS);
  const between = wide === width ? plane : passPlane(plane, tall, wide, width, width, 1, across);
  return tall === height ? between : passPlane(between, width, 1, 1, height, width, down);
}

/**
 * @param {Float32Array} from
 * @param {number} lines
 * @param {number} fromLine
 * @param {number} toLine
 * @param {number} length
 * @param {number} step
 * @param {ReturnType<typeof weightsOf>} filter
 */
function passPlane(from, lines, fromLine, toLine, length, step, { first, number, weights, count }) {
  const to = new Float32Array(lines * length);
  for (let position = 0; position < length; position++) {
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      let at = line * fromLine + first[position] * step;
      for (let i = 0; i < number[position]; i++, at += step) sum += from[at] * weights[position * count + i];
      to[line * toLine + position * step] = sum;
    }
  }
  return to;
}

/**
 * Python's round: to the nearest, halves to the even number.
 * @param {number} value
 */
export function round(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
