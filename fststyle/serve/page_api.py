"""The page, which paints with this server as its engine."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.staticfiles import StaticFiles

from fststyle.serve.networks import Networks
from fststyle.web.networks import describe
from fststyle.web.site import PAGE, page_files, sample_photo_file, site_description


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
                "file": f"api/networks/{offer.name}/file",
                "preview": f"api/networks/{offer.name}/preview",
            }
            for offer in networks.offers()
        ]
        return site_description(files, entries, engine="server", runtime=None) | {"modules": ["./jobs.js"]}

    @api.get("/sample.jpg")
    def sample() -> Response:
        """A photo to try it with."""
        return Response(sample_photo_file(), media_type="image/jpeg")

    return api


def page_files_app() -> StaticFiles:
    """The page's own files."""
    return StaticFiles(directory=PAGE, html=True)
