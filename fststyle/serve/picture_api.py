"""The addresses of networks and paintings."""

import asyncio
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from fststyle.runtime.stopping import Stop
from fststyle.serve.answers import BUSY, REFUSALS, NetworkAnswer, form_of
from fststyle.serve.networks import Networks
from fststyle.serve.painting import MEDIA_TYPES, PaintQuery, Sent, Studio, suffix_of
from fststyle.serve.queue import Queue
from fststyle.serve.settings import Limits
from fststyle.serve.styles import Styles
from fststyle.serve.uploads import form_files, until_gone
from fststyle.web.preview import preview_of

_FORM = form_of(
    picture=None,
    mask="A picture of any size: paint where it is white, not where it is black.",
    style="A painting, in place of a network: paint as it is painted.",
)
_STRANGENESS = "Fststyle-Strangeness"
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The painting", "content": {media: {} for media in sorted(set(MEDIA_TYPES.values()))}}
}
_PAINTED: dict[int | str, dict[str, Any]] = {
    200: _PICTURE[200]
    | {
        "headers": {
            _STRANGENESS: {
                "description": "Of a style that was sent: from 0 to 1, how unlike it is to what the predictor knows.",
                "schema": {"type": "number"},
            }
        }
    }
}


def picture_api(networks: Networks, styles: Styles, queue: Queue, limits: Limits) -> APIRouter:
    """Lists networks, and paints."""
    api = APIRouter(prefix="/api", responses=REFUSALS)
    studio = Studio(networks, styles, queue, limits)
    previews: dict[str, bytes] = {}

    @api.get("/networks", tags=["networks"])
    def list_networks() -> list[NetworkAnswer]:
        """The networks that paint."""
        return [NetworkAnswer.of(offer) for offer in networks.offers()]

    @api.get("/networks/{name}/file", tags=["networks"], response_class=Response)
    def download_network(name: str) -> Response:
        """A network as an ONNX file."""
        offer = networks.offer(name)
        media_type, filename = "application/octet-stream", f"{offer.name}.onnx"
        if offer.path is not None:
            return FileResponse(offer.path, media_type=media_type, filename=filename)
        named = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(filename)}"}
        return Response(offer.file.data, media_type=media_type, headers=named)

    @api.get("/networks/{name}/preview", tags=["networks"], response_class=Response, responses=_PICTURE | BUSY)
    async def preview_network(name: str) -> Response:
        """What a network makes of a sample photo."""
        networks.offer(name)
        if name not in previews:
            async with queue.place():
                previews[name] = await queue.do(partial(_preview, networks, name), _never())
        return Response(previews[name], media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})

    @api.post(
        "/paint", tags=["paint"], response_class=Response, responses=_PAINTED | REFUSALS | BUSY, openapi_extra=_FORM
    )
    async def paint(request: Request, query: Annotated[PaintQuery, Query()]) -> Response:
        """Paint a picture: a file in a form, and back comes a file.

        `curl -F picture=@photo.jpg 'http://127.0.0.1:8000/api/paint?network=starry_night' -o painted.jpg`

        A painting can be the style: `-F style=@painting.jpg`, without `network`.
        """
        async with queue.place():
            async with form_files(request, limits, "picture", "mask", "style") as files:
                suffix = suffix_of(query, files["picture"].filename)
                mask, style = [await files[name].read() if name in files else None for name in ("mask", "style")]
                work = partial(studio.paint, Sent(await files["picture"].read(), mask, style), query, suffix)
                del mask, style  # the work has them
            painted = await queue.do(work, until_gone(request))
        headers = {} if painted.strangeness is None else {_STRANGENESS: f"{painted.strangeness:.3f}"}
        return Response(painted.picture, media_type=MEDIA_TYPES[suffix], headers=headers)

    return api


def _preview(networks: Networks, name: str, _: Stop) -> bytes:
    return preview_of(networks.stylizer(name))


async def _never() -> None:
    """A preview is kept for all, whoever asked first and left."""
    await asyncio.Event().wait()
