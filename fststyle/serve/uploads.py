"""The bodies of requests: no larger than allowed, and no slower."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.types import Message

from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Limits

# For so many seconds nobody is asked for speed.
_GRACE = 10.0

# Texts of a form that are read, only to say which file was meant.
_FIELDS = 8

# Of a form, beside its files: boundaries and headers.
_FORM_BYTES = 20_000


def bounded(request: Request, most: int, limits: Limits) -> Request:
    """The same request; to read more of its body than `most` bytes, or more slowly than allowed, is refused.

    Raises:
        RefusedError: The request says itself that it is too large.
    """
    too_large = RefusedError(413, f"this is more than the {most / 1e6:,.0f} MB allowed; send a smaller file")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    begun, received = time.monotonic(), 0

    async def receive() -> Message:
        nonlocal received
        try:
            message = await asyncio.wait_for(request.receive(), limits.silence)
        except TimeoutError:
            raise _too_slow() from None
        received += len(message.get("body", b""))
        if received > most:
            raise too_large
        passed = time.monotonic() - begun
        if message.get("more_body") and passed > _GRACE and received < passed * limits.slowest:
            raise _too_slow()
        return message

    return Request(request.scope, receive)


@asynccontextmanager
async def form_files(request: Request, limits: Limits, *names: str) -> AsyncIterator[dict[str, UploadFile]]:
    """The files of a form by name, the first of `names` among them; they are gone afterwards.

    Raises:
        RefusedError: The form is too large or too slow, lacks the first file, or has something else in it.
    """
    most = len(names) * limits.picture_bytes + _FORM_BYTES
    missing = RefusedError(422, f"send the {names[0]} as a file of a form (multipart/form-data): -F {names[0]}=@FILE")
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise missing
    async with bounded(request, most, limits).form(max_files=len(names), max_fields=_FIELDS) as form:
        files = {name: file for name, file in form.multi_items() if isinstance(file, UploadFile)}
        if twice := next((name for name in files if len(form.getlist(name)) > 1), None):
            raise RefusedError(422, f"{twice[:80]} is there more than once; send one file of each name")
        if text := next((name for name, value in form.multi_items() if isinstance(value, str)), None):
            name = text if text in names else names[0]
            raise RefusedError(422, f"the {name} came as text; send it as a file of a form: -F {name}=@FILE")
        if unknown := next((name for name in files if name not in names), None):
            raise RefusedError(422, f"{unknown[:80]}: there is no such file in this form; it takes {', '.join(names)}")
        if names[0] not in files:
            raise missing
        for name, file in files.items():
            if (file.size or 0) > limits.picture_bytes:
                raise RefusedError(413, f"the {name} has more than the {limits.picture_bytes / 1e6:,.0f} MB allowed")
        yield files


async def save_body(request: Request, path: Path, most: int, limits: Limits) -> None:
    """Write the body to a new file.

    Raises:
        RefusedError: It is empty, too large or too slow, or the client left.
        OSError: It cannot be written.
    """
    size = 0
    with path.open("xb") as file:
        try:
            async for chunk in bounded(request, most, limits).stream():
                await asyncio.to_thread(file.write, chunk)
                size += len(chunk)
        except ClientDisconnect:
            raise RefusedError(400, "the upload was broken off") from None
    if not size:
        raise RefusedError(422, "send the file as the body of the request: --data-binary @FILE")


async def until_gone(request: Request) -> None:
    """Wait until the client has left; its body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _too_slow() -> RefusedError:
    return RefusedError(408, "the upload is too slow and was given up; try again", {"Connection": "close"})
