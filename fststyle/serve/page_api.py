"""The page, which paints with this server as its engine."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.staticfiles import StaticFiles

from fststyle.serve.gate import WORKER
from fststyle.serve.networks import Networks
from fststyle.web.networks import describe
from fststyle.web.site import PAGE, page_files, sample_photo_file, site_description

_LAST_WORKER = """const PREFIX = `fststyle ${new URL(registration.scope).pathname} `;
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(end()));
async function end() {
  const kept = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  await Promise.all(kept.map((name) => caches.delete(name)));
  await registration.unregister();
  for (const page of await clients.matchAll({ type: "window" })) page.navigate(page.url);
}
"""


def page_api(networks: Networks) -> APIRouter:
    """What the page asks for besides its own files."""
    api = APIRouter(include_in_schema=False)
    files = page_files()

    @api.get("/site.json")
    def site() -> dict[str, Any]:
        """What the page is to be."""
        entries = [
            describe(offer.file, offer.name)
            | {
                "title": offer.title,
                "file": f"{offer.address}/file",
                "preview": f"{offer.address}/preview",
            }
            for offer in networks.offers()
        ]
        return site_description(files, entries, engine="server", runtime=None) | {"modules": ["./jobs.js"]}

    @api.get(WORKER)
    def worker() -> Response:
        """Ends the offline worker of a site that once stood at this address: it would show that site's page."""
        return Response(_LAST_WORKER, media_type="text/javascript")

    @api.get("/sample.jpg")
    def sample() -> Response:
        """A photo to try it with."""
        return Response(sample_photo_file(), media_type="image/jpeg")

    return api


def page_files_app() -> StaticFiles:
    """The page's own files."""
    return StaticFiles(directory=PAGE, html=True)
