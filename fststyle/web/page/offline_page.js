/** After the first painting, everything is kept that the page needs without a network. */
import { fetchKept } from "./fetching.js";

/** @import {Site} from "./engine.js" */

const MOST_BYTES = 30e6;

/** @param {{site: Site, say: (key: string) => void}} app */
export function keepForOffline({ site, say }) {
  if (!("serviceWorker" in navigator)) return;
  const ready = navigator.serviceWorker
    .register(new URL("./sw.js", import.meta.url))
    .then(() => navigator.serviceWorker.ready);
  ready.catch(() => {}); // a browser that keeps nothing
  if (navigator.serviceWorker.controller) {
    navigator.serviceWorker.addEventListener("controllerchange", () => say("updated"), { once: true });
  }
  document.addEventListener("painted", () => keepNetworks(site, ready), { once: true });
}

/** @param {Site} site @param {Promise<unknown>} ready */
async function keepNetworks(site, ready) {
  if (/** @type {any} */ (navigator).connection?.saveData) return;
  try {
    await ready;
    let bytes = 0;
    for (const { file, bytes: size, parts } of site.networks) {
      bytes += size + (parts?.bytes ?? 0);
      if (bytes > MOST_BYTES) break;
      for (const address of [file, parts?.file]) {
        if (address) await fetchKept(new URL(address, import.meta.url).href, { version: site.version });
      }
    }
    document.body.dataset.offline = "ready";
  } catch {} // it is tried again when the page is opened the next time
}
