"""The page, which paints with this server as its engine."""

import hashlib
from mimetypes import guess_type
from typing import Any

from fastapi import APIRouter, Request, Response

from fststyle.serve.gate import WORKER
from fststyle.serve.networks import Networks
from fststyle.web.networks import describe
from fststyle.web.site import page_files, sample_photo_file, site_description

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
    """The page's own files, which are read once, and what it asks for besides."""
    api = APIRouter(include_in_schema=False)
    files = page_files()
    kept = {name: _Kept(name, data) for name, data in (files | {"sample.jpg": sample_photo_file()}).items()}
    kept[""] = kept["index.html"]

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
    async def worker() -> Response:
        """Ends the offline worker of a site that once stood at this address: it would show that site's page."""
        return Response(_LAST_WORKER, media_type="text/javascript")

    for name, file in kept.items():
        api.add_route(f"/{name}", file.answer, methods=["GET"])
    return api


class _Kept:
    """A file in memory, as it is served."""

    def __init__(self, name: str, data: bytes) -> None:
        self._data = data
        self._type = guess_type(name)[0] or "text/plain"
        self._tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'

    async def answer(self, request: Request) -> Response:
        """The file, or that it is still what the browser has."""
        known = request.headers.get("if-none-match", "")
        if self._tag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers={"ETag": self._tag})
        return Response(self._data, media_type=self._type, headers={"ETag": self._tag})
