/** Files come by drop, paste and picker. */
import { element } from "./elements.js";

/**
 * @param {(files: File[]) => void} take
 * @param {() => void} onNothing a paste without a picture
 */
export function takeFiles(take, onNothing) {
  const picker = /** @type {HTMLInputElement} */ (element("file"));
  picker.onchange = () => {
    const files = [...(picker.files ?? [])];
    picker.value = ""; // so that the same file can be chosen again
    if (files.length) take(files);
  };
  for (const id of ["choose", "new-photo"]) element(id).onclick = () => picker.click();

  let inside = 0;
  const drag = (/** @type {number} */ by) => {
    inside = Math.max(0, inside + by);
    document.body.classList.toggle("dropping", inside > 0);
  };
  addEventListener("dragenter", (event) => {
    if (event.dataTransfer?.types.includes("Files")) drag(1);
  });
  addEventListener("dragleave", () => drag(-1));
  addEventListener("drop", (event) => {
    drag(-inside);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      take(files);
    } else if (!(event.target instanceof HTMLInputElement)) onNothing();
  });
}
