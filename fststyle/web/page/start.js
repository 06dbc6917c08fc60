/** Opens the page: reads what the site is, in the user's language, and starts its engine. */
import { App } from "./app.js";
import { element, showMode } from "./elements.js";
import { openEngine } from "./engine.js";
import { Language } from "./language.js";
import { Messages } from "./messages.js";
import { keepForOffline } from "./offline_page.js";
import { Problem } from "./problem.js";

/** @import {Site} from "./engine.js" */

/** @param {Language} language @param {() => void} then */
function chooseLanguage(language, then) {
  const select = /** @type {HTMLSelectElement} */ (element("language"));
  select.replaceChildren(
    ...Object.entries(language.site.languages).map(([code, name]) => {
      const option = new Option(name, code);
      option.lang = code;
      return option;
    }),
  );
  select.value = language.code;
  select.onchange = async () => {
    await language.choose(select.value);
    then();
  };
}

async function start() {
  showMode("empty");
  // Else the browser shows a dropped photo in the place of the page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  /** @type {Site} */
  const none = {
    engine: "browser",
    version: "",
    fststyle: "",
    offline: false,
    languages: { en: "", de: "" },
    modules: [],
    runtime: null,
    predictor: { size: 0, small: 0, narrow: 0, most: 0, strange: 1 },
    networks: [],
  };
  const site = await readSite();
  const language = new Language(site ?? none);
  const messages = new Messages(language);
  await language.change(language.code);
  if (!site) return messages.explain(new Problem("no-site"));
  let engine;
  try {
    engine = await openEngine(site);
  } catch (error) {
    return messages.explain(error);
  }
  const app = new App(site, language, messages, engine);
  app.connect();
  app.describe();
  chooseLanguage(language, () => app.describe());
  for (const module of site.modules) await (await import(module)).start(app);
  allowClicks();
  document.body.dataset.ready = "true";
  if (site.offline) keepForOffline(app);
  // Whoever has brought a photo by now sees how far this is.
  if (app.networks.chosen) {
    engine
      .load(app.networks.chosen, (progress) => app.progress.tell(progress), new AbortController().signal)
      .catch(() => {});
  }
}

/** Until now a click would have been lost. */
function allowClicks() {
  for (const button of document.querySelectorAll("button")) button.disabled = false;
}

/** @returns {Promise<Site | null>} */
async function readSite() {
  try {
    return await (await fetch(new URL("./site.json", import.meta.url))).json();
  } catch {
    return null;
  }
}

start();
