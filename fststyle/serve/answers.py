"""What clients are told, as OpenAPI shows it."""

from typing import Any

from pydantic import BaseModel

from fststyle.serve.networks import Offer


class Error(BaseModel):
    """What every answer holds that is none."""

    error: str


class NetworkAnswer(BaseModel):
    """A network of the list."""

    name: str
    title: str
    painting: str | None
    network: str | None
    precision: str
    licence: str | None
    bytes: int
    takes_strength: bool
    job: str | None
    preview: str
    file: str

    @classmethod
    def of(cls, offer: Offer) -> "NetworkAnswer":
        """What is known of it; addresses are relative to the server's page."""
        card = offer.file.card
        return cls(
            name=offer.name,
            title=offer.title,
            painting=card.painting if card else None,
            network=card.network if card else None,
            precision=card.precision if card else "fp32",
            licence=card.licence if card else None,
            bytes=len(offer.file.data),
            takes_strength=offer.file.takes_strength,
            job=offer.job,
            preview=f"{offer.address}/preview",
            file=f"{offer.address}/file",
        )


class ProgressAnswer(BaseModel):
    """How far a job is: `share` in 0..1, steps of a training or frames of a video, and the costs of the last step."""

    share: float | None
    step: int
    steps: int | None
    speed: float | None
    seconds_left: float | None
    costs: dict[str, float]


class JobAnswer(BaseModel):
    """A job. `before` is how many wait before it, `samples` the steps after which there is a sheet of pictures."""

    id: str
    kind: str
    title: str
    state: str
    created: float
    before: int | None
    request: dict[str, Any]
    progress: ProgressAnswer
    samples: list[int]
    network: str | None
    error: str | None


class ServerAnswer(BaseModel):
    """What the server can do, and what it allows."""

    version: str
    device: str
    can_train: bool
    can_paint_videos: bool
    limits: dict[str, float]


REFUSALS: dict[int | str, dict[str, Any]] = {
    422: {"model": Error, "description": "What was sent cannot be used; the sentence says why"},
    401: {"model": Error, "description": "The token is missing"},
    403: {"model": Error, "description": "The request comes from another page, or calls the server by another name"},
    404: {"model": Error, "description": "There is no such thing"},
}
BUSY: dict[int | str, dict[str, Any]] = {
    408: {"model": Error, "description": "The upload is too slow"},
    413: {"model": Error, "description": "The upload is too large"},
    429: {"model": Error, "description": "Too much is waiting; Retry-After says when to try again"},
    503: {"model": Error, "description": "It took too long, or there is too little memory"},
    507: {"model": Error, "description": "The disk is full"},
}


def form_of(**files: str | None) -> dict[str, Any]:
    """How OpenAPI shows a form of files, the first of which must be there; by name, with what each is."""
    properties = {
        name: {"type": "string", "format": "binary"} | ({} if what is None else {"description": what})
        for name, what in files.items()
    }
    schema = {"type": "object", "required": list(files)[:1], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
