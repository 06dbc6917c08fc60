/** Trainings and videos: what the server works on, shown as it goes. */
import { JobCard } from "./job_card.js";
import { titleOf } from "./own_style.js";
import { Problem } from "./problem.js";
import { ask, words } from "./server_engine.js";
import { StudioForm } from "./studio_form.js";

/**
 * @typedef {{
 *   share: number | null, step: number, steps: number | null, speed: number | null, seconds_left: number | null,
 *   costs: Record<string, number>,
 * }} JobProgress
 * @typedef {{
 *   id: string, kind: "train" | "video", title: string, state: string, before: number | null, progress: JobProgress,
 *   samples: number[], network: string | null, error: string | null,
 * }} Job
 * @typedef {{can_train: boolean, can_paint_videos: boolean, limits: Record<string, number>}} Server
 */

/** @param {any} app */
export async function start(app) {
  await app.addTexts("jobs");
  const style = document.createElement("link");
  Object.assign(style, { rel: "stylesheet", href: "jobs.css" });
  document.head.append(style);
  /** @type {Server} */
  const server = await (await ask("api")).json();
  const jobs = new Jobs(app);
  if (server.can_train) {
    app.panels.append(new StudioForm(app, (picture, query) => jobs.send("train", picture, query)).section);
  }
  app.panels.append(jobs.section);
  if (server.can_paint_videos) jobs.takeVideos();
  jobs.listen();
}

class Jobs {
  /** @param {any} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<string, JobCard>} */
    this.cards = new Map();
    this.section = document.createElement("section");
    this.section.className = "panel jobs";
    this.section.hidden = true;
    const heading = document.createElement("h2");
    heading.dataset.text = "jobs";
    heading.textContent = app.text("jobs");
    this.list = document.createElement("div");
    this.list.className = "job-list";
    this.section.append(heading, this.list);
    const translate = () => this.cards.forEach((card) => card.update(card.job));
    new MutationObserver(translate).observe(document.documentElement, { attributeFilter: ["lang"] });
  }

  /** Videos that are dropped, pasted or picked are painted in the style that is chosen. */
  takeVideos() {
    this.app.accept("video/*");
    this.app.takesFiles((/** @type {File[]} */ files) => {
      const videos = files.filter(({ type }) => type.startsWith("video/"));
      const { chosen } = this.app.networks;
      if (videos.length && chosen.style) {
        this.app.say("job-video-own", { title: chosen.title }, "problem");
        return true;
      }
      for (const video of videos) {
        const title = titleOf(video.name);
        const query = { title, network: chosen.name, ...words(this.app.controls()) };
        this.send("video", video, query);
      }
      return videos.length > 0;
    });
  }

  /**
   * @param {"train" | "video"} kind
   * @param {File} file
   * @param {Record<string, string | number>} query
   */
  async send(kind, file, query) {
    const controller = new AbortController();
    this.app.progress.begin(controller, "job-upload");
    try {
      const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
      /** @type {BodyInit} */
      let body = file;
      if (kind === "train") {
        body = new FormData();
        body.append("picture", file);
      }
      const options = { method: "POST", body, signal: controller.signal };
      const answer = await (await ask(`api/jobs/${kind}?${asked}`, options)).json();
      this.show(answer);
      this.app.say(kind === "train" ? "job-train-begun" : "job-video-begun", { title: answer.title });
      this.cards.get(answer.id)?.element.scrollIntoView({ behavior: "smooth", block: "nearest" });
    } catch (error) {
      this.app.messages.explain(error);
    } finally {
      this.app.progress.end(controller);
    }
  }

  listen() {
    const source = new EventSource(new URL("api/events", document.baseURI));
    const data = (/** @type {Event} */ event) => JSON.parse(/** @type {MessageEvent} */ (event).data);
    source.addEventListener("jobs", (event) => this.showAll(data(event)));
    source.addEventListener("job", (event) => this.show(data(event)));
    source.addEventListener("removed", (event) => this.remove(data(event).id));
    let lost = false;
    source.onopen = () => {
      if (lost) this.app.say("server-back");
      lost = false;
    };
    source.onerror = () => {
      if (!lost) this.app.say("server-away", {}, "problem");
      lost = true;
      // A refusal ends the stream; a connection that broke is made anew by the browser.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.listen(), 5000);
    };
  }

  /** @param {Job[]} jobs the newest first */
  showAll(jobs) {
    for (const id of this.cards.keys()) if (!jobs.some((job) => job.id === id)) this.remove(id);
    for (const job of [...jobs].reverse()) this.show(job);
  }

  /** @param {Job} job */
  show(job) {
    let card = this.cards.get(job.id);
    const finished = card && card.job.state !== "done" && job.state === "done";
    if (!card) {
      card = new JobCard(this.app, job, (action) => this.act(job.id, action));
      this.cards.set(job.id, card);
      this.list.prepend(card.element);
    }
    card.update(job);
    this.section.hidden = false;
    if (finished) this.finish(job);
  }

  /** @param {Job} job */
  async finish(job) {
    this.app.say(job.kind === "train" ? "job-train-done" : "job-video-done", { title: job.title });
    if (job.kind === "train") await this.refreshNetworks();
  }

  /** @param {string} id */
  remove(id) {
    const card = this.cards.get(id);
    card?.element.remove();
    this.cards.delete(id);
    this.section.hidden = this.cards.size === 0;
    if (card?.job.network) this.refreshNetworks();
  }

  async refreshNetworks() {
    const site = await (await ask("site.json")).json();
    this.app.networks.replace(site.networks);
  }

  /** @param {string} id @param {"pause" | "resume" | "remove" | "use"} action */
  async act(id, action) {
    try {
      if (action === "use") {
        await this.refreshNetworks();
        this.app.networks.select(id);
        document.querySelector("#styles")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
      } else if (action === "remove") await ask(`api/jobs/${id}`, { method: "DELETE" });
      else await ask(`api/jobs/${id}/${action}`, { method: "POST" });
    } catch (error) {
      const isGone = error instanceof Problem && error.values.status === 404;
      if (isGone && action === "remove") this.remove(id); // another page was quicker
      else this.app.messages.explain(error);
    }
  }
}
