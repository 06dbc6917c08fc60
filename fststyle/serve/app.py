"""The server as an ASGI application: API, page, and what surrounds them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from fststyle import __version__
from fststyle.serve.answers import REFUSALS, ServerAnswer
from fststyle.serve.gate import Gate
from fststyle.serve.job_api import can, job_api
from fststyle.serve.jobs import Jobs
from fststyle.serve.networks import Networks
from fststyle.serve.page_api import page_api
from fststyle.serve.picture_api import picture_api
from fststyle.serve.queue import Queue
from fststyle.serve.refusals import tell_errors_in_json
from fststyle.serve.settings import Settings
from fststyle.serve.styles import Styles

_ABOUT = """Paints pictures and videos, and trains networks. Every error is `{"error": "a sentence"}`."""


class Application:
    """What uvicorn runs.

    Attributes:
        networks: What it offers.
        jobs: What it works on.
    """

    def __init__(self, settings: Settings) -> None:
        """Read the networks.

        Raises:
            FststyleError: One of them cannot be used.
        """
        self.networks = Networks(settings)
        self.jobs = Jobs(settings, self.networks)
        queue = Queue(settings.limits)

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            await self.jobs.start()
            try:
                yield
            finally:
                await self.jobs.stop()
                queue.close()

        # Its pages for people load scripts from elsewhere.
        app = FastAPI(
            title="fststyle",
            version=__version__,
            description=_ABOUT,
            lifespan=lifespan,
            docs_url=None,
            redoc_url=None,
            openapi_url="/openapi.json",
        )
        tell_errors_in_json(app)

        @app.get("/api", tags=["server"], responses=REFUSALS)
        def show_server() -> ServerAnswer:
            """What the server can do, and what it allows."""
            return ServerAnswer(
                version=__version__,
                device=settings.device,
                can_train=can("train"),
                can_paint_videos=can("video"),
                limits=asdict(settings.limits),
            )

        app.include_router(picture_api(self.networks, Styles(settings), queue, settings.limits))
        app.include_router(job_api(settings, self.networks, self.jobs))
        app.include_router(page_api(self.networks))
        self.api = app
        self._gate: ASGIApp = Gate(app, settings.names, settings.token)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        await self._gate(scope, receive, send)
