/**
 * An element that the page has.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/**
 * Show what belongs to a mode of the page: "empty", "photo" or "live".
 * @param {string} mode
 */
export function showMode(mode) {
  document.body.dataset.mode = mode;
  for (const part of document.querySelectorAll("[data-when]")) {
    const shown = /** @type {HTMLElement} */ (part);
    shown.hidden = !(shown.dataset.when ?? "").split(" ").includes(mode);
  }
}
