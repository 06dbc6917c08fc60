/** Answers from what was kept, so that the page opens without a network. `offline.js` says what belongs to it. */
importScripts("./offline.js");

const scope = /** @type {any} */ (self);
const PREFIX = `fststyle ${new URL(scope.registration.scope).pathname} `;
const CACHE = PREFIX + scope.OFFLINE.version;

scope.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      // Not from the browser's own cache, which may hold an older site.
      await cache.addAll(
        scope.OFFLINE.shell.map((/** @type {string} */ file) => new Request(file, { cache: "reload" })),
      );
      await scope.skipWaiting();
    })(),
  );
});

scope.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
      await Promise.all(old.map((name) => caches.delete(name)));
      await scope.clients.claim();
    })(),
  );
});

scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(scope.registration.scope)) return;
  event.respondWith(answer(request));
});

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}
