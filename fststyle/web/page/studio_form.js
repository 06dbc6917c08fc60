/** Where a painting becomes a style: a place to drop it, its name, and how long to train. */
import { titleOf } from "./own_style.js";

const MINUTES = [2, 10, 30, 60, 180];

export class StudioForm {
  /**
   * @param {any} app
   * @param {(picture: File, query: Record<string, string | number>) => void} onStart
   */
  constructor(app, onStart) {
    this.app = app;
    /** @type {File | null} */
    this.picture = null;
    this.section = document.createElement("section");
    this.section.className = "panel studio";
    this.section.innerHTML = `
      <h2 data-text="studio"></h2>
      <p class="hint" data-text="studio-hint"></p>
      <div class="choices">
        <button type="button" id="studio-choose" data-text="studio-choose"></button>
        <input id="studio-file" class="hidden" type="file" accept="image/*" tabindex="-1" aria-hidden="true" />
      </div>
      <form hidden>
        <img alt="" />
        <label><span data-text="studio-title"></span><input name="title" maxlength="80" required /></label>
        <label><span data-text="studio-minutes"></span><select name="minutes"></select></label>
        <button class="primary" data-text="studio-start"></button>
      </form>`;
    app.language.fill(this.section);
    this.form = /** @type {HTMLFormElement} */ (this.section.querySelector("form"));
    const file = /** @type {HTMLInputElement} */ (this.section.querySelector("#studio-file"));
    /** @type {HTMLButtonElement} */ (this.section.querySelector("#studio-choose")).onclick = () => file.click();
    file.onchange = () => {
      if (file.files?.[0]) this.take(file.files[0]);
      file.value = "";
    };
    const minutes = /** @type {HTMLSelectElement} */ (this.section.querySelector("select"));
    minutes.append(...MINUTES.map((count) => new Option(app.text("job-minutes", { minutes: count }), String(count))));
    minutes.value = "10";
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.start(onStart);
    };
    // Elsewhere on the page, a picture that is dropped is a photo.
    let here = false;
    addEventListener("drop", ({ target }) => (here = this.section.contains(/** @type {Node} */ (target))), true);
    app.takesFiles((/** @type {File[]} */ [picture]) => {
      const taken = here && !picture.type.startsWith("video/");
      here = false;
      if (taken) this.take(picture);
      return taken;
    });
  }

  /** @param {File} picture */
  take(picture) {
    this.picture = picture;
    const shown = /** @type {HTMLImageElement} */ (this.form.querySelector("img"));
    URL.revokeObjectURL(shown.src);
    shown.src = URL.createObjectURL(picture);
    shown.alt = picture.name;
    const title = this.field("title");
    title.value = titleOf(picture.name);
    this.form.hidden = false;
    title.focus();
  }

  /** @param {(picture: File, query: Record<string, string | number>) => void} onStart */
  start(onStart) {
    if (!this.picture) return;
    onStart(this.picture, { title: this.field("title").value, minutes: this.field("minutes").value });
    this.form.hidden = true;
    this.picture = null;
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }
}
