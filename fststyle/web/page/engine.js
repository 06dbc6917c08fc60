/**
 * What paints. The page knows only this interface; `site.json` says which engine is behind it.
 *
 * @typedef {"auto" | 1 | 2 | 3} Passes
 * @typedef {{strength: number, scale: number, keepColor: boolean, passes: Passes}} Controls
 *   as in Python: strength 0..1, scale is the brush size factor
 * @typedef {{stage: "download" | "start" | "look" | "paint" | "save", done: number, total: number}} Progress
 *   total is 0 where nobody knows
 * @typedef {(progress: Progress) => void} OnProgress
 * @typedef {{
 *   id: number, name: string, type: string, width: number, height: number, blob: Blob, before: ImageBitmap,
 *   animated?: boolean,
 * }} Photo
 *   upright; `before` has at most 2048 pixels a side
 * @typedef {{photo: Photo, network: Network, controls: Controls, side: number}} Request
 *   side: the longer side in pixels at which the photo is painted
 * @typedef {{
 *   frame(bitmap: ImageBitmap, controls: Controls): Promise<ImageBitmap>,
 *   close(): void,
 * }} Live
 *   a webcam's frames one by one; a frame that was given is no longer the caller's
 *
 * @typedef {object} Engine
 * @property {"browser" | "server"} kind
 * @property {string[]} notes keys of sentences that say how it runs
 * @property {boolean} [passes] whether it hears `controls.passes`; otherwise the page does not ask
 * @property {(network: Network, onProgress: OnProgress, signal: AbortSignal) => Promise<void>} load
 * @property {(blob: Blob, signal: AbortSignal) => Promise<Photo>} open
 * @property {(photo: Photo, network: Network) => number[]} sizes
 *   the longer sides that may be asked for, ascending
 * @property {(request: Request, onProgress: OnProgress, signal: AbortSignal) => Promise<ImageBitmap>} paint
 *   for the screen
 * @property {(request: Request, type: string, onProgress: OnProgress, signal: AbortSignal) => Promise<Blob>} save
 *   the same painting as a file: image/png, image/jpeg or image/webp
 * @property {(network: Network) => Promise<Live> | null} live null: no webcam
 * @property {((file: File, signal: AbortSignal) => Promise<Network>) | null} add
 *   takes an ONNX file; null: not offered
 * @property {(painting: File, onProgress: OnProgress, signal: AbortSignal) => Promise<{network: Network, said: string[]}>} newStyle
 *   a picture becomes a style; `said` has the keys of the sentences that tell of it
 * @property {((network: Network, onProgress: OnProgress, signal: AbortSignal) => Promise<Blob>) | null} networkFile
 *   a style that was made of a picture as an ONNX file; null: not offered
 * @property {(photo: Photo) => void} close
 *
 * @typedef {{
 *   input: string, output: string, strength: string | null, bytes: boolean, last: boolean, lastOut: boolean,
 *   black: number, white: number, bgr: boolean, multiple: number, least: number,
 *   fixed: [number, number], needs: number, trained: number, grain: number,
 * }} Form
 *   how a network is fed: `last` and `lastOut` say that channels come last, `fixed` is height and width or 0, `needs` is
 *   bytes per pixel, `trained` the short side of the first of several passes, `grain` the noise that it asks for
 * @typedef {{
 *   at: number, bytes: number, takes: string[], gives: string[], source: string | null, channels: number, halo: number,
 * }} Part
 * @typedef {{
 *   file: string, bytes: number, align: number, strides: Record<string, [number, number]>, held: number, parts: Part[],
 *   numbers?: Places,
 * }} Parts
 *   a network cut at its instance norms, see fststyle/graph/parts.py
 * @typedef {[at: number, first: number, count: number][]} Places
 *   of a style's numbers in a file: the first byte, the first number and how many
 * @typedef {{
 *   file: string, bytes: number, form: Form, parts: Parts | null, numbers: Places,
 *   weights: [heading: string, at: number, length: number][], card: Record<string, string>,
 * }} Body
 *   `weights` is what their fingerprint is taken of, `card` the metadata of a file, see fststyle/web/predictor.py
 * @typedef {{size: number, small: number, narrow: number, most: number, strange: number}} Looking
 *   at a painting: its shorter side in pixels; the share of that below which it is small; the most pixels, else it is too
 *   narrow; the most that the predictor sees of them; and the strangeness from which on the page tells of it
 * @typedef {Looking & {file: string, bytes: number, body: Body}} Predictor
 *
 * @typedef {object} Network
 * @property {string} name
 * @property {string} title
 * @property {string | null} painting
 * @property {string | null} preview an address
 * @property {string | null} file an address
 * @property {number} bytes
 * @property {string} precision
 * @property {string | null} [licence]
 * @property {Form} [form]
 * @property {Parts | null} [parts]
 * @property {Float32Array} [numbers] of a style that the body paints in
 * @property {Blob} [style] a painting that the server paints like
 *
 * @typedef {object} Site
 * @property {"browser" | "server"} engine
 * @property {string} version
 * @property {string} fststyle
 * @property {boolean} offline
 * @property {Record<string, string>} languages
 * @property {string[]} modules
 * @property {string} [sample]
 * @property {{version: string, gpu: boolean, bytes: Record<string, number>} | null} runtime
 * @property {Looking | Predictor} predictor a Predictor where the browser paints
 * @property {Network[]} networks
 */

/**
 * @param {Site} site
 * @returns {Promise<Engine>}
 */
export async function openEngine(site) {
  const module = await import(`./${site.engine}_engine.js`);
  return module.open(site);
}
