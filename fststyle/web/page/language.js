/** Sentences in the user's language: one file a language, English where one is missing. */

/** @import {Site} from "./engine.js" */

const STORED = "fststyle-language";

export class Language {
  /** @param {Site} site */
  constructor(site) {
    this.site = site;
    this.code = this.preferred();
    /** @type {Record<string, string>} */
    this.sentences = {};
    /** @type {string[]} files beside the page's own: "jobs" stands for lang/jobs.en.json */
    this.bases = [""];
  }

  /** The first of the user's languages that there is. */
  preferred() {
    const asked = [stored(), ...navigator.languages].map((code) => String(code).split("-")[0]);
    return asked.find((code) => code in this.site.languages) ?? "en";
  }

  /** @param {string} code */
  async change(code) {
    this.code = code in this.site.languages ? code : "en";
    const loaded = await Promise.all(this.bases.flatMap((base) => ["en", this.code].map((each) => load(base, each))));
    this.sentences = Object.assign({}, ...loaded);
    document.documentElement.lang = this.code;
    this.fill(document);
  }

  /** @param {string} code */
  async choose(code) {
    try {
      localStorage.setItem(STORED, code);
    } catch {} // a browser that keeps nothing
    await this.change(code);
  }

  /** @param {string} base */
  async add(base) {
    this.bases.push(base);
    await this.change(this.code);
  }

  /**
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  text(key, values = {}) {
    const sentence = this.sentences[key] ?? key;
    return sentence.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name];
      return typeof value === "number" ? new Intl.NumberFormat(this.code).format(value) : (value ?? "");
    });
  }

  /**
   * Fill in whatever names its sentence.
   * @param {ParentNode} root
   */
  fill(root) {
    for (const element of root.querySelectorAll("[data-text]")) {
      element.textContent = this.text(/** @type {HTMLElement} */ (element).dataset.text ?? "");
    }
    for (const element of root.querySelectorAll("[data-text-label]")) {
      element.setAttribute("aria-label", this.text(/** @type {HTMLElement} */ (element).dataset.textLabel ?? ""));
    }
  }
}

/** @param {string} base @param {string} code @returns {Promise<Record<string, string>>} */
async function load(base, code) {
  try {
    const response = await fetch(new URL(`./lang/${base ? `${base}.` : ""}${code}.json`, import.meta.url));
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}

function stored() {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}
