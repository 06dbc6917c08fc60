"""The command lines that a job consists of, and what a job can be asked."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fststyle.serve.job import Job
from fststyle.serve.networks import Networks
from fststyle.system.files import is_file

PAINTING, RUN, NETWORK = "painting.png", "run", "network.onnx"
SOURCE, PAINTED = "source", "painted"

# A killed server costs so many steps of a training at most.
_SAVE_EVERY = 50

# So often there is a sheet of pictures; it takes as long as some dozen steps.
_SAMPLE_EVERY = 100

_DAY = 1440


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=80, description="What people call it.")

    @field_validator("title")
    @classmethod
    def _is_printable(cls, title: str) -> str:
        if not title.isprintable() or not title.strip():
            raise ValueError("must be one line of printable text")
        return title.strip()


class TrainQuery(_Query):
    """How a network is trained; the same words as those of `fststyle train`."""

    minutes: float | None = Field(None, gt=0, le=7 * _DAY, description="Train this long. Default: 10.")
    steps: int | None = Field(None, ge=1, le=1_000_000, description="Or so many steps.")
    network: Literal["fast", "tiny", "johnson"] = "fast"
    teacher: str | None = Field(None, max_length=200, description="A larger network of the list; tiny needs one.")
    style_weight: float | None = Field(None, gt=0, le=1e6)
    content_weight: float | None = Field(None, ge=0, le=1e6)
    tv_weight: float | None = Field(None, ge=0, le=1e6)
    temporal_weight: float | None = Field(None, ge=0, le=1e6, description="Steadiness in videos; 0.5 is good.")
    style_size: int | None = Field(None, ge=32, le=2048, description="Shorter side of the painting.")
    size: int | None = Field(None, ge=64, le=1024, description="Side of the training crops.")
    batch_size: int | None = Field(None, ge=1, le=64)
    calibrate: bool = Field(False, description="Fit the style weight to the painting first.")
    painting: str | None = Field(None, max_length=200, description="Artist, title and year, stored in the network.")

    @field_validator("painting")
    @classmethod
    def _is_one_line(cls, painting: str | None) -> str | None:
        if painting is not None and not painting.isprintable():
            raise ValueError("must be one line of printable text")
        return painting


class VideoQuery(_Query):
    """How a video is painted; the same words as those of `fststyle video`."""

    network: str = Field(max_length=200, description="Name of a network.")
    format: Literal["mp4", "mov", "mkv"] = "mp4"
    start: str | None = Field(None, max_length=20, pattern=r"^[0-9:.]+$", description="12.5, 1:30 or 1:02:03.")
    end: str | None = Field(None, max_length=20, pattern=r"^[0-9:.]+$")
    max_side: int | None = Field(None, ge=16, le=16_384, description="Shrink the video first.")
    fps: str | None = Field(None, max_length=20, pattern=r"^[0-9./]+$")
    codec: Literal["h264", "hevc"] = "h264"
    crf: int | None = Field(None, ge=0, le=51)
    sound: Literal["copy", "aac", "none"] = "copy"
    strength: float = Field(1.0, ge=0, le=1)
    scale: float = Field(1.0, ge=0.1, le=10)
    passes: Literal["auto", "1", "2", "3"] = "1"
    keep_color: bool = False
    grain: float = Field(0.0, ge=0, le=100)
    follow: float | None = Field(None, ge=0, le=1)
    measure_every: int | None = Field(None, ge=1, le=1000)
    carry: float | None = Field(None, ge=0, le=1)


def result_of(job: Job) -> str:
    """The file that the job makes."""
    return NETWORK if job.kind == "train" else f"{PAINTED}.{job.request['format']}"


def steps_of(job: Job, folder: Path, networks: Networks, photos: Path | None, *, trained: bool) -> Iterator[list[str]]:
    """The arguments of `fststyle` for each part of what is left of a job.

    Args:
        job: What is asked for.
        folder: Where it lies.
        networks: For those that it names.
        photos: As in `Settings`.
        trained: Whether its training has come to its end before.

    Raises:
        RefusedError: A network that it names is not there any more.
    """
    if job.kind == "video":
        yield _video(job, folder, networks)
        return
    if not trained:
        yield _train(job, folder, networks, photos)
    yield ["export", str(folder / RUN), str(folder / NETWORK)]


def _train(job: Job, folder: Path, networks: Networks, photos: Path | None) -> list[str]:
    asked = dict(job.request)
    if asked.get("teacher"):
        asked["teacher"] = str(networks.offer(asked["teacher"]).file_for(folder))
    if asked.get("steps") is None:
        asked["minutes"] = asked.get("minutes") or 10.0
    asked["painting"] = asked.get("painting") or job.title
    words = ["train", str(folder / PAINTING), *([] if photos is None else [str(photos)])]
    words += [f"--output={folder / RUN}", f"--name={job.title}", "--json", "--logger=none"]
    words += [f"--save-every={_SAVE_EVERY}", f"--trainer.val-check-interval={_SAMPLE_EVERY}", *_options(asked)]
    return [*words, "--resume"] if is_file(folder / RUN / "last.ckpt") else words


def _video(job: Job, folder: Path, networks: Networks) -> list[str]:
    asked = dict(job.request)
    path, target = networks.offer(asked.pop("network")).file_for(folder), folder / result_of(job)
    del asked["format"]
    if asked.get("carry") is None and importlib.util.find_spec("cv2") is None:
        asked["carry"] = 0.0  # nothing is carried without OpenCV
    left = is_file(target.with_name(f"{target.stem}.part{target.suffix}.state"))
    words = ["video", str(path), str(folder / SOURCE), str(target), "--json", *_options(asked)]
    return [*words, "--resume" if left else "--restart"]


def _options(asked: dict[str, Any]) -> Iterator[str]:
    for name, value in asked.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value is not None and value is not False:
            yield f"{option}={value}"
