"""The addresses of jobs: trainings and videos."""

import asyncio
import importlib.util
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from fststyle.errors import FststyleError, ImageError
from fststyle.pictures.files import read_picture, write_picture
from fststyle.serve.answers import BUSY, REFUSALS, JobAnswer, form_of
from fststyle.serve.commands import PAINTING, RUN, SOURCE, TrainQuery, VideoQuery, result_of
from fststyle.serve.jobs import Jobs
from fststyle.serve.networks import Networks
from fststyle.serve.news import Listener
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Settings
from fststyle.serve.uploads import form_files, save_body
from fststyle.serve.videos import check_video

_PAINTING_FORM = form_of(picture="The painting.")
_VIDEO_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def can(extra: Literal["train", "video"]) -> bool:
    """Whether what trains, or what reads videos, is installed."""
    return importlib.util.find_spec({"train": "torch", "video": "av"}[extra]) is not None


def _require(extra: Literal["train", "video"]) -> None:
    if not can(extra):
        raise RefusedError(501, f"the server cannot do this; pip install 'fststyle[{extra}]' where it runs")


def job_api(settings: Settings, networks: Networks, jobs: Jobs) -> APIRouter:
    """Makes jobs, tells of them, and gives out what they made."""
    api = APIRouter(prefix="/api", tags=["jobs"], responses=REFUSALS)
    limits = settings.limits

    def answer(name: str) -> JobAnswer:
        return JobAnswer(**jobs.facts(jobs.get(name)))

    async def listener() -> AsyncIterator[Listener]:
        with jobs.news.listener() as listener:
            yield listener

    async def known(name: str) -> str:
        return jobs.get(name).id

    @api.post("/jobs/train", status_code=201, responses=BUSY, openapi_extra=_PAINTING_FORM)
    async def train(request: Request, query: Annotated[TrainQuery, Query()]) -> JobAnswer:
        """Train a network that paints like a picture.

        `curl -F picture=@painting.jpg 'http://127.0.0.1:8000/api/jobs/train?title=Mine&minutes=10'`
        """
        _require("train")
        if query.minutes is not None and query.steps is not None:
            raise RefusedError(422, "give minutes or steps, not both")
        if query.network == "tiny" and query.teacher is None:
            raise RefusedError(422, "teacher: tiny learns from a larger network; name one of the list")
        if query.teacher is not None:
            networks.offer(query.teacher)

        async def fill(folder: Path) -> None:
            async with form_files(request, limits, "picture") as files:
                data = await files["picture"].read()
            await asyncio.to_thread(_keep_painting, data, folder / PAINTING, limits.pixels)

        job = await jobs.add("train", query.title, query.model_dump(exclude={"title"}), fill)
        return answer(job.id)

    @api.post("/jobs/video", status_code=201, responses=BUSY, openapi_extra=_VIDEO_BODY)
    async def video(request: Request, query: Annotated[VideoQuery, Query()]) -> JobAnswer:
        """Paint a video.

        `curl --data-binary @clip.mp4 'http://127.0.0.1:8000/api/jobs/video?network=udnie_tiny&title=Clip'`
        """
        _require("video")
        networks.offer(query.network)

        async def fill(folder: Path) -> None:
            await save_body(request, folder / SOURCE, limits.video_bytes, limits)
            await check_video(folder / SOURCE, limits.pixels, query)

        job = await jobs.add("video", query.title, query.model_dump(exclude={"title"}), fill)
        return answer(job.id)

    @api.get("/jobs")
    async def list_jobs() -> list[JobAnswer]:
        """All jobs, the newest first."""
        return [answer(job.id) for job in jobs.all()]

    @api.get("/jobs/{name}")
    async def show_job(name: str) -> JobAnswer:
        """One job."""
        return answer(name)

    @api.post("/jobs/{name}/pause")
    async def pause_job(name: str) -> JobAnswer:
        """Let a job rest; what it has done is kept."""
        return answer((await jobs.pause(name)).id)

    @api.post("/jobs/{name}/resume")
    async def resume_job(name: str) -> JobAnswer:
        """Go on with a job that rests or has failed."""
        return answer((await jobs.resume(name)).id)

    @api.delete("/jobs/{name}", status_code=204)
    async def remove_job(name: str) -> None:
        """Cancel a job, and delete all that it made, its network included."""
        await asyncio.shield(jobs.remove(name))  # once begun, it does not end with the connection

    @api.get("/jobs/{name}/result", response_class=FileResponse)
    async def download_result(name: str) -> FileResponse:
        """What a job has made: a network as an ONNX file, or a video."""
        job = jobs.get(name)
        if job.state != "done":
            raise RefusedError(409, f"this job is {job.state}; wait until it is done")
        path = jobs.folders.of(job) / result_of(job)
        return FileResponse(path, filename=f"{job.id}{path.suffix}")

    @api.get("/jobs/{name}/painting", response_class=FileResponse)
    async def show_painting(name: str) -> FileResponse:
        """The picture that a training is to paint like."""
        job = jobs.get(name)
        if job.kind != "train":
            raise RefusedError(404, "only trainings have a painting")
        return FileResponse(jobs.folders.of(job) / PAINTING, media_type="image/png")

    @api.get("/jobs/{name}/samples/{step}", response_class=FileResponse)
    async def show_sample(name: str, step: int) -> FileResponse:
        """Photos, and what the network made of them after so many steps of its training."""
        job = jobs.get(name)
        if step not in jobs.facts(job)["samples"]:
            raise RefusedError(404, "there is no sheet of that step; the job lists them as samples")
        path = jobs.folders.of(job) / RUN / "samples" / f"step_{step:06d}.jpg"
        return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

    @api.get("/events", response_class=EventSourceResponse)
    async def all_events(
        listener: Annotated[Listener, Depends(listener)],
    ) -> AsyncIterator[ServerSentEvent]:
        """Server-sent events: `jobs` with all of them, then `job` for each that changes, and `removed`."""
        yield ServerSentEvent(event="jobs", data=[answer(job.id).model_dump() for job in jobs.all()])
        async for name in listener.changes():
            yield _event(jobs, name)

    @api.get("/jobs/{name}/events", response_class=EventSourceResponse)
    async def job_events(
        name: Annotated[str, Depends(known)], listener: Annotated[Listener, Depends(listener)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Server-sent events of one job, until it is over."""
        yield _event(jobs, name)
        if jobs.get(name).is_over:
            return
        async for changed in listener.changes():
            if changed == name:
                event = _event(jobs, name)
                yield event
                if event.event == "removed" or jobs.get(name).is_over:
                    return

    return api


def _event(jobs: Jobs, name: str) -> ServerSentEvent:
    try:
        return ServerSentEvent(event="job", data=jobs.facts(jobs.get(name)))
    except RefusedError:
        return ServerSentEvent(event="removed", data={"id": name})


def _keep_painting(data: bytes, path: Path, max_pixels: int) -> None:
    """Decode what was uploaded, and write it anew: the training reads no stranger's file.

    Raises:
        ImageError: It is no picture, or too large.
        OSError: It cannot be written.
    """
    picture = read_picture(io.BytesIO(data), max_pixels=max_pixels)
    try:
        write_picture(path, picture.rgb, picture.alpha)
    except ImageError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error
        raise FststyleError(str(error)) from error
