/** What the page says: problems stay until they are closed, notices go by themselves. */
import { element } from "./elements.js";
import { Problem } from "./problem.js";

/** @import {Language} from "./language.js" */

const NOTICE_MILLISECONDS = 6000;
const MOST_PROBLEMS = 3;

export class Messages {
  /** @param {Language} language */
  constructor(language) {
    this.language = language;
  }

  /**
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   * @param {"info" | "problem"} [kind]
   */
  say(key, values = {}, kind = "info") {
    const text = this.language.text(key, values);
    const place = element(kind === "problem" ? "problems" : "notices");
    const same = [...place.children].find((other) => other.firstChild?.textContent === text);
    same?.remove();
    const message = document.createElement("p");
    message.className = `message ${kind}`;
    message.dataset.key = key;
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.className = "quiet";
    close.textContent = "×";
    close.setAttribute("aria-label", this.language.text("close"));
    close.onclick = () => message.remove();
    message.append(words, close);
    place.append(message);
    if (kind === "info") setTimeout(() => message.remove(), NOTICE_MILLISECONDS);
    while (place.children.length > MOST_PROBLEMS) place.firstChild?.remove();
  }

  /** @param {unknown} error */
  explain(error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (!(error instanceof Problem)) console.error(error);
    const { key, values } = Problem.of(error);
    this.say(key, values, "problem");
  }

  clear() {
    element("problems").replaceChildren();
  }
}
