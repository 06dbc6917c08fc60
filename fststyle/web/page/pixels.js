/**
 * Pictures as bytes, four a pixel, and what a network takes and gives.
 *
 * @import {Form} from "./engine.js"
 * @typedef {{data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number}} Pixels
 *   red, green, blue, alpha; not premultiplied
 * @typedef {{top: number, left: number, bottom: number, right: number}} Area bottom and right exclusive
 */

/**
 * @param {number} width
 * @param {number} height
 * @returns {Pixels}
 */
export function blank(width, height) {
  return { data: new Uint8ClampedArray(width * height * 4), width, height };
}

/** @param {Pixels} pixels @returns {Area} */
export function all({ width, height }) {
  return { top: 0, left: 0, bottom: height, right: width };
}

/**
 * What a network is fed with, of an area.
 * @param {Pixels} pixels
 * @param {Area} area
 * @param {Form} form
 * @returns {{data: Float32Array | Uint8Array, dims: number[]}}
 */
export function toTensor({ data, width }, { top, left, bottom, right }, { bytes, last, black, white, bgr }) {
  const tall = bottom - top;
  const wide = right - left;
  const values = bytes ? new Uint8Array(3 * tall * wide) : new Float32Array(3 * tall * wide);
  const factor = bytes ? 1 : (white - black) / 255;
  const offset = bytes ? 0 : black;
  const step = last ? 3 : 1;
  for (let channel = 0; channel < 3; channel++) {
    let to = last ? channel : channel * tall * wide;
    const from = bgr ? 2 - channel : channel;
    for (let y = top; y < bottom; y++) {
      let at = (y * width + left) * 4 + from;
      for (let x = left; x < right; x++, at += 4, to += step) values[to] = data[at] * factor + offset;
    }
  }
  return { data: values, dims: last ? [1, tall, wide, 3] : [1, 3, tall, wide] };
}

/**
 * Put what a network gave into a picture, rounded.
 * @param {{data: ArrayLike<number>, dims: readonly number[]}} answer
 * @param {Area} from which part of the answer
 * @param {Pixels} target
 * @param {number} top where it goes
 * @param {number} left
 * @param {Form} form
 * @returns {boolean} false if there are values that are no numbers
 */
export function fromTensor({ data, dims }, from, target, top, left, { bytes, lastOut, black, white, bgr }) {
  const wide = lastOut ? dims[2] : dims[3];
  const plane = lastOut ? 1 : dims[2] * dims[3];
  const step = lastOut ? 3 : 1;
  const factor = bytes ? 1 : 255 / (white - black);
  let sum = 0;
  for (let y = from.top; y < from.bottom; y++) {
    let to = ((top + y - from.top) * target.width + left) * 4;
    let at = (y * wide + from.left) * step;
    for (let x = from.left; x < from.right; x++, to += 4, at += step) {
      for (let channel = 0; channel < 3; channel++) {
        const value = (data[at + channel * plane] - black * (bytes ? 0 : 1)) * factor;
        sum += value;
        target.data[to + (bgr ? 2 - channel : channel)] = (value + 0.5) | 0; // what is negative becomes 0 in any case
      }
      target.data[to + 3] = 255;
    }
  }
  return Number.isFinite(sum);
}

/**
 * Continue a picture by reflection, so that it has at least this size; it lies in the middle.
 * @param {Pixels} pixels
 * @param {number} wide
 * @param {number} tall
 * @returns {{padded: Pixels, area: Area}} and where the picture is in it
 */
export function reflected(pixels, wide, tall) {
  const { data, width, height } = pixels;
  const top = Math.floor((tall - height) / 2);
  const left = Math.floor((wide - width) / 2);
  const area = { top, left, bottom: top + height, right: left + width };
  if (tall === height && wide === width) return { padded: pixels, area };
  const padded = blank(wide, tall);
  const from = new Uint32Array(data.buffer);
  const to = new Uint32Array(padded.data.buffer);
  for (let y = 0; y < tall; y++) {
    const row = mirrored(y - top, height) * width;
    for (let x = 0; x < wide; x++) to[y * wide + x] = from[row + mirrored(x - left, width)];
  }
  return { padded, area };
}

/** @param {number} at @param {number} length */
function mirrored(at, length) {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const inside = ((at % period) + period) % period;
  return inside < length ? inside : period - inside;
}

/**
 * @param {Pixels} pixels
 * @param {Area} area
 * @returns {Pixels}
 */
export function cropped(pixels, { top, left, bottom, right }) {
  if (bottom - top === pixels.height && right - left === pixels.width) return pixels;
  const part = blank(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const start = (y * pixels.width + left) * 4;
    part.data.set(pixels.data.subarray(start, start + part.width * 4), (y - top) * part.width * 4);
  }
  return part;
}

/**
 * Lay a painting over its photo, by color and strength; as `Controls.lay_over` does in Python.
 * @param {Pixels} photo
 * @param {Pixels} stylized
 * @param {{strength: number, keepColor: boolean}} controls
 * @returns {Pixels}
 */
export function laidOver(photo, stylized, { strength, keepColor }) {
  if (!keepColor && strength === 1) return stylized;
  const result = blank(photo.width, photo.height);
  const from = photo.data;
  const paint = stylized.data;
  for (let at = 0; at < from.length; at += 4) {
    // Exchanging the luminance of BT.601 means adding the same difference to every channel.
    const brighter = keepColor
      ? 0.299 * (paint[at] - from[at]) + 0.587 * (paint[at + 1] - from[at + 1]) + 0.114 * (paint[at + 2] - from[at + 2])
      : 0;
    for (let channel = at; channel < at + 3; channel++) {
      const color = keepColor ? clipped(Math.floor(from[channel] + brighter + 0.5)) : paint[channel];
      result.data[channel] = Math.floor(strength * color + (1 - strength) * from[channel] + 0.5);
    }
    result.data[at + 3] = 255;
  }
  return result;
}

/** @param {number} value */
function clipped(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
