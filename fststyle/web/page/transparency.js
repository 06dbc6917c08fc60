/** Photos with transparent parts: what a network should see of them, as fststyle/pictures/hidden_color.py has it. */
import { blank } from "./pixels.js";
import { BILINEAR, resized, resizedPlane } from "./resizing.js";

/** @import {Pixels} from "./pixels.js" */

// From this alpha on, a color counts as it is.
const PLAIN = 16;

/** @param {Pixels} pixels */
export function isTransparent({ data }) {
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return true;
  return false;
}

/**
 * Replace the colors where nothing shows by what is visible nearby.
 * @param {Pixels} pixels
 * @returns {Pixels} with the same alpha
 */
export function filled(pixels) {
  const { data, width, height } = pixels;
  let plain = 0;
  for (let at = 3; at < data.length && plain < PLAIN; at += 4) plain = Math.max(plain, Math.min(PLAIN, data[at]));
  const weights = new Float32Array(width * height);
  let holes = false;
  for (let i = 0; i < weights.length; i++) {
    const alpha = data[4 * i + 3];
    weights[i] = alpha < plain ? 0 : alpha;
    holes ||= alpha < plain;
  }
  if (!holes) return pixels;
  const result = { data: data.slice(), width, height };
  fill(result, weights);
  return result;
}

/**
 * Push-pull filling (Gortler et al. 1996), in place.
 * @param {Pixels} pixels
 * @param {Float32Array} weights
 */
function fill(pixels, weights) {
  if (!weights.includes(0)) return;
  const smaller = halved(pixels, weights);
  fill(smaller.pixels, smaller.weights);
  const large = resized(smaller.pixels, pixels.width, pixels.height, BILINEAR).data;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] !== 0) continue;
    for (let at = 4 * i; at < 4 * i + 3; at++) pixels.data[at] = large[at];
  }
}

/**
 * Weighted means of 2×2 pixels.
 * @param {Pixels} pixels
 * @param {Float32Array} weights
 */
function halved({ data, width, height }, weights) {
  const small = blank(Math.ceil(width / 2), Math.ceil(height / 2));
  const total = new Float32Array(small.width * small.height);
  const sums = new Float32Array(total.length * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const to = (y >> 1) * small.width + (x >> 1);
      total[to] += weights[i];
      for (let channel = 0; channel < 3; channel++) sums[3 * to + channel] += data[4 * i + channel] * weights[i];
    }
  }
  for (let i = 0; i < total.length; i++) {
    const whole = Math.max(total[i], 1e-6);
    for (let channel = 0; channel < 3; channel++) {
      small.data[4 * i + channel] = Math.floor(sums[3 * i + channel] / whole + 0.5);
    }
    total[i] = Math.min(total[i], 255);
  }
  return { pixels: small, weights: total };
}

/**
 * Shrink a picture with alpha; colors count by their opacity, so that edges get no fringes.
 * @param {Pixels} pixels
 * @param {number} width
 * @param {number} height
 * @returns {Pixels}
 */
export function shrunk(pixels, width, height) {
  const { data } = pixels;
  if (pixels.width === width && pixels.height === height) return pixels;
  const count = pixels.width * pixels.height;
  const plane = new Float32Array(count);
  const resize = () => resizedPlane(plane, pixels.width, pixels.height, width, height);
  for (let i = 0; i < count; i++) plane[i] = data[4 * i + 3];
  const opacity = resize();
  const result = blank(width, height);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < count; i++) plane[i] = data[4 * i + channel] * data[4 * i + 3];
    resize().forEach((value, i) => {
      result.data[4 * i + channel] = round(value / Math.max(opacity[i], 0.5));
    });
  }
  opacity.forEach((value, i) => {
    result.data[4 * i + 3] = value < 0.5 ? 0 : round(value);
  });
  return filled(result);
}

/** @param {number} value */
function round(value) {
  return Math.floor(value + 0.5);
}

/**
 * The painting with the photo's transparency; what `filled` added to a color is taken off again.
 * @param {Pixels} painted opaque
 * @param {Pixels} photo
 * @param {Pixels} shown what the network saw of it
 * @returns {Pixels}
 */
export function withAlpha(painted, photo, shown) {
  const result = blank(photo.width, photo.height);
  for (let at = 0; at < result.data.length; at += 4) {
    const alpha = photo.data[at + 3];
    for (let i = at; i < at + 3; i++) {
      result.data[i] = alpha === 0 ? photo.data[i] : painted.data[i] - (shown.data[i] - photo.data[i]);
    }
    result.data[at + 3] = alpha;
  }
  return result;
}

/** @param {Pixels} pixels @returns {Pixels} as it looks on white paper */
export function overWhite({ data, width, height }) {
  const result = blank(width, height);
  for (let at = 0; at < data.length; at += 4) {
    const opacity = data[at + 3] / 255;
    for (let i = at; i < at + 3; i++) result.data[i] = Math.floor(data[i] * opacity + 255 * (1 - opacity) + 0.5);
    result.data[at + 3] = 255;
  }
  return result;
}
