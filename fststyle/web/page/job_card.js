/** One job: how far it is, what it shows, and what can be done with it. */

/** @import {Job} from "./jobs.js" */

const TELLING = ["content", "style", "total"]; // the costs that people watch

export class JobCard {
  /**
   * @param {any} app
   * @param {Job} job
   * @param {(action: "pause" | "resume" | "remove" | "use") => void} onAct
   */
  constructor(app, job, onAct) {
    this.app = app;
    this.job = job;
    this.onAct = onAct;
    this.element = document.createElement("article");
    this.element.className = "job";
    this.element.dataset.id = job.id;
    this.picture = this.made("img", "job-picture");
    this.picture.alt = "";
    const text = this.made("div", "job-text");
    this.title = document.createElement("h3");
    this.state = this.made("p", "job-state");
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.detail = this.made("p", "hint");
    this.buttons = this.made("div", "choices");
    text.append(this.title, this.state, this.bar, this.detail, this.buttons);
    this.element.append(this.picture, text);
    this.shown = "";
  }

  /** @template {keyof HTMLElementTagNameMap} K @param {K} kind @param {string} name */
  made(kind, name) {
    const made = document.createElement(kind);
    made.className = name;
    return made;
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    const { progress, state } = job;
    this.element.dataset.state = state;
    this.title.textContent = job.title;
    this.state.textContent = this.sentence();
    this.bar.hidden = state === "done" || state === "failed";
    this.bar.setAttribute("aria-label", `${job.title}: ${this.app.text("progress")}`);
    if (progress.share === null && state === "running") this.bar.removeAttribute("value");
    else this.bar.value = progress.share ?? 0;
    this.detail.textContent = this.costs();
    this.showPicture();
    this.showButtons();
  }

  sentence() {
    const { state, before, progress, error } = this.job;
    if (state === "failed") return this.app.text("job-failed", { error: error ?? "" });
    if (state === "queued") return before ? this.app.text("job-waits", { before }) : this.app.text("job-next");
    if (state !== "running") return this.app.text(`job-${state}`);
    if (progress.share === null) return this.app.text("job-starts");
    const percent = Math.round(progress.share * 100);
    if (progress.seconds_left === null) return this.app.text("job-percent", { percent });
    return this.app.text("job-left", { percent, left: this.time(progress.seconds_left) });
  }

  /** @param {number} seconds */
  time(seconds) {
    const minutes = Math.ceil(seconds / 60);
    if (seconds < 60) return this.app.text("job-seconds", { seconds: Math.ceil(seconds) });
    if (minutes < 60) return this.app.text("job-minutes", { minutes });
    return this.app.text("job-hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  }

  costs() {
    const { kind, progress } = this.job;
    if (!progress.step) return "";
    if (kind === "video") return this.app.text("job-frames", { frames: progress.step });
    const costs = TELLING.filter((name) => name in progress.costs).map((name) =>
      this.app.text(`job-cost-${name}`, { cost: progress.costs[name].toPrecision(3) }),
    );
    return [this.app.text("job-steps", { steps: progress.step }), ...costs].join(" · ");
  }

  showPicture() {
    const { id, kind, samples } = this.job;
    const last = samples[samples.length - 1];
    const address = kind !== "train" ? "" : last ? `api/jobs/${id}/samples/${last}` : `api/jobs/${id}/painting`;
    this.picture.hidden = !address;
    if (address && !this.picture.src.endsWith(address)) {
      this.picture.src = address;
      this.picture.alt = this.app.text(last ? "job-sheet" : "job-painting", {
        title: this.job.title,
        steps: last ?? 0,
      });
    }
  }

  showButtons() {
    const { id, state, kind } = this.job;
    const wanted = `${state} ${this.app.language.code}`;
    if (wanted === this.shown) return; // a button that is rebuilt loses the focus
    this.shown = wanted;
    /** @type {HTMLElement[]} */
    const buttons = [];
    if (state === "done") {
      if (kind === "train") buttons.push(this.button("use", "job-use", "primary"));
      const link = document.createElement("a");
      Object.assign(link, { href: `api/jobs/${id}/result`, download: "", className: "button" });
      link.textContent = this.app.text(kind === "train" ? "job-get-network" : "job-get-video");
      buttons.push(link);
    }
    if (state === "running" || state === "queued") buttons.push(this.button("pause", "job-pause"));
    if (state === "paused" || state === "failed") buttons.push(this.button("resume", "job-resume", "primary"));
    if (state !== "removing") {
      buttons.push(
        this.button("remove", state === "done" || state === "failed" ? "job-delete" : "job-cancel", "quiet"),
      );
    }
    this.buttons.replaceChildren(...buttons);
  }

  /** @param {"pause" | "resume" | "remove" | "use"} action @param {string} key @param {string} [kind] */
  button(action, key, kind = "") {
    const button = document.createElement("button");
    button.className = kind;
    button.dataset.action = action;
    button.textContent = this.app.text(key);
    button.setAttribute("aria-label", `${this.app.text(key)}: ${this.job.title}`);
    button.onclick = () => {
      if (action === "remove" && !confirm(this.app.text("job-sure", { title: this.job.title }))) return;
      this.onAct(action);
    };
    return button;
  }
}
