/**
 * Large photos painted coarse to fine: fststyle/paint/passes.py and step.py say why and how. The numbers here are theirs.
 */
import { grained } from "./grain.js";
import { blank } from "./pixels.js";
import { BICUBIC, resized, resizedPlane, resizedRows, round } from "./resizing.js";

/** @import {Passes} from "./engine.js" */
/** @import {Pixels} from "./pixels.js" */

const LEAST_BRUSH = 2;
const LEAST_STEP = 2.25;
const BRUSH_OF_THREE = 5.5;
const SQUARE = 8;
const NOISE_LEVELS = 20;
const MOST_EDGE = 1.5;
const SHIFT = 6;
const SOFTNESS = 1.1;
const LEAST_FALL = 0.7;
const MEASURED_BANDS = 12;
const MEASURED_ROWS = 8;
const BAND_ROWS = 128;

/** @typedef {{width: number, height: number}} Size */

/**
 * The sizes of the passes, the coarsest first; a single pass may have another size than the photo.
 * @param {Size} photo
 * @param {Passes} passes
 * @param {number} scale brush size factor
 * @param {number} trained the short side of the first of several passes
 * @returns {Size[]}
 */
export function sizesOfPasses(photo, passes, scale, trained) {
  const larger = Math.max(1, Math.min(photo.height, photo.width) / trained);
  let brush = scale;
  let count = passes === "auto" ? 1 : passes;
  if (passes === "auto") {
    brush = scale * (larger >= LEAST_BRUSH ? larger : 1);
    count = brush < LEAST_BRUSH ? 1 : brush < BRUSH_OF_THREE ? 2 : 3;
    if (count > 1) brush = Math.max(brush, LEAST_STEP);
  } else if (passes > 1) brush = scale * Math.max(larger, 2 ** (passes - 1));
  if (brush <= 1 || count === 1) return [divided(photo, brush)];
  const coarse = Array.from({ length: count - 1 }, (_, number) => divided(photo, brush ** (1 - number / (count - 1))));
  return [...coarse, { width: photo.width, height: photo.height }];
}

/** @param {Size} size @param {number} factor */
function divided({ width, height }, factor) {
  return { width: Math.max(1, round(width / factor)), height: Math.max(1, round(height / factor)) };
}

/**
 * @param {Pixels} photo
 * @param {Size[]} sizes
 * @param {number} grain of the first pass, in gray levels
 * @param {(pixels: Pixels, pass: number) => Promise<Pixels>} paint keeps the size
 * @returns {Promise<Pixels>}
 */
export async function paintInPasses(photo, sizes, grain, paint) {
  let before = resized(photo, sizes[0].width, sizes[0].height);
  let painted = await paint(grained(before, grain), 0);
  for (let pass = 1; pass < sizes.length; pass++) {
    const larger = resized(photo, sizes[pass].width, sizes[pass].height);
    const fine = await paint(withEdges(larger, before, painted), pass);
    painted = joined(fine, painted);
    before = larger;
  }
  return resized(painted, photo.width, photo.height);
}

/**
 * The coarse painting enlarged, with the photo's finer edges in it.
 * @param {Pixels} photo fine
 * @param {Pixels} before the photo, coarse
 * @param {Pixels} painted coarse
 * @returns {Pixels}
 */
function withEdges(photo, before, painted) {
  const { width, height } = photo;
  const gray = grayOf(before);
  const gains = edgeGains(before, painted);
  const canvas = blank(width, height);
  for (const [top, bottom] of bands(height)) {
    const enlarged = resizedRows(painted, width, height, top, bottom, BICUBIC).data;
    const ground = resizedRows(gray, width, height, top, bottom, BICUBIC).data;
    const start = top * width * 4;
    for (let y = top, at = 0; y < bottom; y++) {
      const gain = gains.row(y, width, height);
      for (let x = 0; x < width; x++, at += 4) {
        const detail = Math.trunc((luminance(photo.data, start + at) - ground[at]) * gain[x]);
        for (let i = at; i < at + 3; i++) canvas.data[start + i] = enlarged[i] + detail;
        canvas.data[start + at + 3] = 255;
      }
    }
  }
  return canvas;
}

/**
 * The coarse painting, and of the fine one only what is finer.
 * @param {Pixels} fine is changed
 * @param {Pixels} painted coarse
 * @returns {Pixels}
 */
function joined(fine, painted) {
  const { width, height, data } = fine;
  const low = resized(fine, painted.width, painted.height);
  const share = round(shareOf(fine, low, painted) * 2 ** SHIFT);
  for (const [top, bottom] of bands(height)) {
    const ground = resizedRows(low, width, height, top, bottom, BICUBIC).data;
    const enlarged = resizedRows(painted, width, height, top, bottom, BICUBIC).data;
    const start = top * width * 4;
    for (let at = 0; at < ground.length; at += 4) {
      for (let i = at; i < at + 3; i++) {
        data[start + i] = (((data[start + i] - ground[i]) * share) >> SHIFT) + enlarged[i];
      }
    }
  }
  return fine;
}

/**
 * How much of the fine part is taken: so much that it has the contrast that the coarse painting promises.
 * @param {Pixels} fine
 * @param {Pixels} low the same, coarse
 * @param {Pixels} painted coarse
 */
function shareOf(fine, low, painted) {
  const { width, height, data } = fine;
  const [finest, second] = octaveContrasts(painted);
  const fall = second ? Math.min(1, Math.max(LEAST_FALL, (SOFTNESS * finest) / second)) : 1;
  const octaves = Math.log2(height / painted.height);
  let promised = 0;
  for (let number = 0; number < Math.ceil(octaves); number++) {
    promised += Math.min(1, octaves - number) * (second * fall ** (number + 2)) ** 2;
  }
  const found = [];
  const step = Math.max(MEASURED_ROWS, Math.floor(height / MEASURED_BANDS));
  for (let top = 0; top < height; top += step) {
    const bottom = Math.min(top + MEASURED_ROWS, height);
    const ground = resizedRows(low, width, height, top, bottom, BICUBIC).data;
    let sum = 0;
    for (let at = 0, from = top * width * 4; at < ground.length; at += 4, from += 4) {
      const more = data[from] + data[from + 1] + data[from + 2] - ground[at] - ground[at + 1] - ground[at + 2];
      sum += (more / 3) ** 2;
    }
    found.push(sum / (ground.length / 4));
  }
  const contrast = found.reduce((sum, each) => sum + each, 0) / found.length;
  return contrast ? Math.min(1, Math.sqrt(promised / contrast)) : 1;
}

/**
 * Standard deviations of the finest octave of a picture's brightness, and of the next one.
 * @param {Pixels} pixels
 */
export function octaveContrasts(pixels) {
  let { width, height } = pixels;
  /** @type {Float32Array} */
  let gray = Float32Array.from({ length: width * height }, (_, i) => luminance(pixels.data, 4 * i));
  const contrasts = [];
  for (let octave = 0; octave < 2; octave++) {
    const [wide, tall] = [width, height].map((side) => Math.max(1, Math.floor(side / 2)));
    const half = resizedPlane(gray, width, height, wide, tall);
    const ground = resizedPlane(half, wide, tall, width, height);
    contrasts.push(Math.sqrt(gray.reduce((sum, value, i) => sum + (value - ground[i]) ** 2, 0) / gray.length));
    [gray, width, height] = [half, wide, tall];
  }
  return contrasts;
}

/**
 * The painting's contrast over the photo's in every square.
 * @param {Pixels} photo
 * @param {Pixels} painted
 */
function edgeGains(photo, painted) {
  const wide = Math.ceil(photo.width / SQUARE);
  const tall = Math.ceil(photo.height / SQUARE);
  const sums = Array.from({ length: 5 }, () => new Float64Array(wide * tall));
  for (let y = 0, at = 0; y < photo.height; y++) {
    for (let x = 0; x < photo.width; x++, at += 4) {
      const to = Math.floor(y / SQUARE) * wide + Math.floor(x / SQUARE);
      const [one, other] = [luminance(photo.data, at), luminance(painted.data, at)];
      sums[0][to]++;
      sums[1][to] += one;
      sums[2][to] += other;
      sums[3][to] += one * one;
      sums[4][to] += one * other;
    }
  }
  const [count, one, other, squares, products] = sums;
  const values = Float32Array.from(count, (number, i) => {
    const covariance = (products[i] - (one[i] * other[i]) / number) / number;
    const variance = (squares[i] - one[i] ** 2 / number) / number;
    return Math.min(MOST_EDGE, Math.max(-MOST_EDGE, covariance / (variance + NOISE_LEVELS ** 2)));
  });
  return new Plane(values, wide, tall);
}

/** A small picture of numbers that is enlarged row by row, linearly. */
class Plane {
  /** @param {Float32Array} values @param {number} wide @param {number} tall */
  constructor(values, wide, tall) {
    this.values = values;
    this.wide = wide;
    this.tall = tall;
  }

  /** @param {number} y @param {number} width @param {number} height @returns {Float32Array} */
  row(y, width, height) {
    const { values, wide, tall } = this;
    const [above, below, down] = between(y, height, tall);
    const mixed = new Float32Array(wide);
    for (let i = 0; i < wide; i++) mixed[i] = values[above * wide + i] * (1 - down) + values[below * wide + i] * down;
    const row = new Float32Array(width);
    for (let x = 0; x < width; x++) {
      const [left, right, across] = between(x, width, wide);
      row[x] = mixed[left] * (1 - across) + mixed[right] * across;
    }
    return row;
  }
}

/**
 * @param {number} at a position of the enlarged
 * @param {number} length of the enlarged
 * @param {number} count of what is enlarged
 * @returns {[number, number, number]} two positions, and the share of the second
 */
function between(at, length, count) {
  const place = ((at + 0.5) * count) / length - 0.5;
  const first = Math.floor(place);
  return [Math.max(0, first), Math.min(count - 1, first + 1), place - first];
}

/** @param {Pixels} pixels @returns {Pixels} its brightness, as gray */
function grayOf({ data, width, height }) {
  const gray = blank(width, height);
  for (let at = 0; at < data.length; at += 4) {
    gray.data[at] = gray.data[at + 1] = gray.data[at + 2] = luminance(data, at);
    gray.data[at + 3] = 255;
  }
  return gray;
}

/** As Pillow rounds it. @param {Uint8ClampedArray} data @param {number} at */
function luminance(data, at) {
  return (data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000) >> 16;
}

/** @param {number} height */
function bands(height) {
  return Array.from({ length: Math.ceil(height / BAND_ROWS) }, (_, number) => [
    number * BAND_ROWS,
    Math.min((number + 1) * BAND_ROWS, height),
  ]);
}
