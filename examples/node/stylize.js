// Paint a photo in Node.
//
//     npm install
//     node stylize.js ../../models/starry_night.onnx photo.jpg painted.png

import ort from "onnxruntime-node";
import sharp from "sharp";

const [model, photo, output] = process.argv.slice(2);
if (!output) {
  console.error("usage: node stylize.js MODEL.onnx PHOTO OUTPUT");
  process.exit(2);
}

const { data, info } = await sharp(photo)
  .rotate() // upright, as EXIF says
  .toColourspace("srgb")
  .flatten({ background: "white" })
  .raw()
  .toBuffer({ resolveWithObject: true });
const { width, height } = info;
const plane = width * height;

// Interleaved bytes to planes of floats: (1, 3, height, width), 0..1.
const content = new Float32Array(3 * plane);
for (let i = 0; i < plane; i++) {
  for (let c = 0; c < 3; c++) content[c * plane + i] = data[3 * i + c] / 255;
}

const session = await ort.InferenceSession.create(model);
const { stylized } = await session.run({
  content: new ort.Tensor("float32", content, [1, 3, height, width]),
});

const pixels = Buffer.alloc(3 * plane);
for (let i = 0; i < plane; i++) {
  for (let c = 0; c < 3; c++) {
    const value = Math.round(stylized.data[c * plane + i] * 255);
    pixels[3 * i + c] = Math.min(255, Math.max(0, value));
  }
}
await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(output);
