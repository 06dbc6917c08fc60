/** A painting of the user's own, as an entry of the list of styles. */

/** @import {Looking, Network} from "./engine.js" */

let count = 0;

/**
 * @param {File} painting
 * @param {Blob} preview
 * @returns {Network}
 */
export function ownStyle(painting, preview) {
  const title = titleOf(painting.name);
  return {
    name: `${title.replace(/[\s.]+/g, "_")} ${++count}`,
    title: title.charAt(0).toUpperCase() + title.slice(1),
    painting: painting.name,
    preview: URL.createObjectURL(preview),
    file: `added:${count}`,
    bytes: 0,
    precision: "fp32",
  };
}

/**
 * The sentences that tell of a new style.
 * @param {{strangeness: number, shorter: number, transparent: boolean}} found `shorter` is the painting's shorter side
 * @param {Looking} looking
 */
export function sentencesOn({ strangeness, shorter, transparent }, { size, small, strange }) {
  const poor = [
    strangeness > strange && "painting-strange",
    shorter < small * size && "painting-small",
    transparent && "painting-transparent",
  ].filter((key) => key !== false);
  return poor.length ? poor : ["added"];
}

/** @param {string} name of a file */
export function titleOf(name) {
  const stem = name
    .replace(/\.[^.]*$/, "")
    .replace(/[_-]+/g, " ")
    .replace(/\p{C}/gu, "")
    .trim();
  return stem.slice(0, 80) || "?";
}
