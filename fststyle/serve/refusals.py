"""Errors as answers: a status, and one sentence in JSON."""

import logging
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fststyle.errors import FststyleError, ImageError, ModelFileError, VideoError
from fststyle.system.files import reason_of

_log = logging.getLogger(__name__)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>fststyle</title>
<p>{sentence}</p>
"""

_GENERAL = {
    404: "there is nothing at this address; see /openapi.json",
    405: "this address does not take {method}; see /openapi.json",
}


class RefusedError(FststyleError):
    """What a client asked for is not done.

    Attributes:
        status: Of the answer.
        headers: Of the answer.
    """

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}

    def answer(self) -> JSONResponse:
        """The answer."""
        return JSONResponse({"error": str(self)}, self.status, self.headers)

    def page(self) -> HTMLResponse:
        """The answer to a person."""
        return HTMLResponse(_PAGE.format(sentence=escape(str(self))), self.status, self.headers)


def refusal_of(error: Exception) -> RefusedError:
    """The answer for an error of ours, or of the system."""
    match error:
        case RefusedError():
            return error
        case ImageError() | VideoError():
            return RefusedError(422, str(error))
        case ModelFileError():
            return RefusedError(500, str(error))
        case FststyleError() | ValueError():
            return RefusedError(422, str(error))
        case MemoryError():
            return RefusedError(
                503, "there is not enough memory now; try a smaller picture, or later", {"Retry-After": "5"}
            )
        case OSError():
            _log.error("%s", error)
            return RefusedError(
                507, f"the server cannot keep this ({reason_of(error)}); delete some jobs, or make room"
            )
        case _:
            raise error


def tell_errors_in_json(app: FastAPI) -> None:
    """Every error becomes {"error": sentence}; what nobody expected is logged, and not shown."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        return refusal_of(error).answer()

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        found: Any = error
        return RefusedError(422, _sentence(found.errors())).answer()

    async def general(request: Request, error: Exception) -> JSONResponse:
        status = getattr(error, "status_code", 500)
        said = _GENERAL.get(status) if getattr(error, "detail", None) in ("Not Found", "Method Not Allowed") else None
        sentence = said.format(method=request.method) if said else str(getattr(error, "detail", error))
        return RefusedError(status, sentence, dict(getattr(error, "headers", None) or {})).answer()

    async def left(_: Request, __: Exception) -> JSONResponse:
        return RefusedError(400, "the upload was broken off").answer()  # nobody reads it

    async def unexpected(_: Request, __: Exception) -> JSONResponse:
        return RefusedError(500, "something is wrong in the server; its log has more").answer()

    for kind in (FststyleError, ValueError, OSError, MemoryError):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, general)
    app.add_exception_handler(ClientDisconnect, left)
    app.add_exception_handler(Exception, unexpected)


def _sentence(errors: Any) -> str:
    """What pydantic found, in one line: `strength: input should be less than or equal to 1`."""
    said = []
    for error in errors:
        name = ".".join(str(part) for part in error["loc"][1:]) or "the request"
        message = str(error["msg"])
        if error["type"] == "extra_forbidden":
            message = "there is no such parameter"
        said.append(f"{name}: {message[:1].lower()}{message[1:]}")
    return "; ".join(said[:5])
