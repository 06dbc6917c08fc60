/** Files come by drop, paste and picker. */
import { element } from "./elements.js";

/** @typedef {(files: File[]) => void} OnFiles */

/**
 * @param {{onFiles: OnFiles, onPaintings: OnFiles, onNothing: () => void}} page
 *   `onPaintings` takes what is dropped or pasted on the tile of paintings, `onNothing` a paste without a picture
 */
export function takeFiles({ onFiles, onPaintings, onNothing }) {
  const tile = element("new-style");
  const isOver = (/** @type {Event} */ { target }) => target instanceof Node && tile.contains(target);
  const take = (/** @type {Event} */ event, /** @type {File[]} */ files) =>
    isOver(event) ? onPaintings(files) : onFiles(files);
  const picker = /** @type {HTMLInputElement} */ (element("file"));
  picker.onchange = () => {
    const files = [...(picker.files ?? [])];
    picker.value = ""; // so that the same file can be chosen again
    if (files.length) onFiles(files);
  };
  for (const id of ["choose", "new-photo"]) element(id).onclick = () => picker.click();

  let inside = 0;
  const drag = (/** @type {number} */ by) => {
    inside = Math.max(0, inside + by);
    document.body.classList.toggle("dropping", inside > 0);
    tile.classList.remove("over");
  };
  addEventListener("dragenter", (event) => {
    if (event.dataTransfer?.types.includes("Files")) drag(1);
  });
  addEventListener("dragleave", () => drag(-1));
  addEventListener("dragover", (event) => tile.classList.toggle("over", isOver(event) && inside > 0));
  addEventListener("drop", (event) => {
    drag(-inside);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(event, files);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      take(event, files);
    } else if (!(event.target instanceof HTMLInputElement)) onNothing();
  });
}
