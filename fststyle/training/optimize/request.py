"""What `fststyle optimize` is asked for: files and settings in, a task in pixels out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

import numpy as np

from fststyle.errors import ImageError
from fststyle.model.defaults import OPTIMIZED_SIZE
from fststyle.model.gallery import is_network
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import find_images, fit_longer_side, read_picture
from fststyle.system.files import is_folder, is_there
from fststyle.training.cost.objective import Cost
from fststyle.training.optimize.coarse_to_fine import Rgb, Task
from fststyle.training.optimize.pixels import Method


@dataclass(frozen=True)
class Request:
    """What a user asks for, in files.

    Attributes:
        output: The picture to write.
        cost: What is minimized. Its content layers are left out without a photo, its style layers without a painting.
        content: The photo; None makes a texture.
        styles: Paintings, or folders of them; none inverts the content.
        style_mix: How much each counts; equally if not given.
        size: Longer side of the result, never more than the photo's; without one (width, height) may be given.
        style_size: Shorter side at which the paintings are looked at.
        start: "content", "noise", a picture, or an exported network that makes one of the photo; the photo if there is
            one, else noise.
        iterations: A number for each scale, the coarsest first.
        method: Of the optimizer.
        seed: Of the noise.
        keep_color: Take only the brightness from the result, the colors from the photo.
        trajectory: A file for the cost at every iteration, JSON Lines.
        snapshot_every: Write the picture every so many iterations, into a folder beside the output.
        save_seconds: What a power cut may cost.
    """

    output: Path
    cost: Cost = Cost(loss_network="vgg19")
    content: Path | None = None
    styles: tuple[Path, ...] = ()
    style_mix: tuple[float, ...] | None = None
    size: int | tuple[int, int] = OPTIMIZED_SIZE
    style_size: int = Task.style_size
    start: str | Path | None = None
    iterations: tuple[int, ...] = Task.iterations
    method: Method = Task.method
    seed: int = Task.seed
    keep_color: bool = False
    trajectory: Path | None = None
    snapshot_every: int | None = None
    save_seconds: float = 60.0

    @property
    def inputs(self) -> list[Path]:
        """The files that are read, those in folders too.

        Raises:
            ImageError: A folder holds no paintings.
        """
        start = None if self.start is None or self.start in ("content", "noise") else Path(self.start)
        given = (self.content, self.cost.weights_file, start)
        return [*_pictures(self.styles), *(path for path in given if path is not None)]


def read_request(request: Request) -> tuple[Rgb | None, Task]:
    """Read the files: the photo at the result's size, if there is one, and the task.

    Raises:
        FststyleError: If a file is missing or broken.
        ValueError: If the request contradicts itself.
    """
    content = None if request.content is None else read_picture(request.content).to_paint()
    styles = tuple(read_picture(path).rgb for path in _pictures(request.styles))
    if content is None and not styles:
        raise ValueError("nothing to optimize for; give a photo (--photos), a painting (--style) or both")
    cost = request.cost
    if content is None:
        cost = replace(cost, content_layers=())
        width, height = (request.size, request.size) if isinstance(request.size, int) else request.size
    else:
        if not isinstance(request.size, int):
            raise ValueError("the result has the photo's shape; give --size one number, its longer side")
        content = fit_longer_side(content, request.size)
        height, width = content.shape[:2]
    if not styles:
        cost = replace(cost, style_layers=())
    return content, Task(
        cost=cost,
        height=height,
        width=width,
        content=content,
        styles=styles,
        style_mix=request.style_mix,
        style_size=request.style_size,
        start=_start(request, content),
        iterations=request.iterations,
        method=request.method,
        seed=request.seed,
    )


def _pictures(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if not is_folder(path):
            yield path
        elif found := find_images(path):
            yield from found
        else:
            raise ImageError(f"no pictures under {path}; give a painting, or a folder that holds some")


def _start(request: Request, content: Rgb | None) -> Rgb | Literal["content", "noise"]:
    if request.start is None:
        return "noise" if content is None else "content"
    if request.start in ("content", "noise"):
        return cast(Literal["content", "noise"], request.start)
    path = Path(request.start)
    if path.suffix.lower() != ".onnx" and (is_there(path) or not is_network(str(path))):
        return read_picture(path).rgb
    if content is None:
        raise ValueError(f"{path} makes pictures of photos; give one as --photos to start from what it makes")
    return Stylizer.load(path)(content)


def fingerprint(task: Task) -> str:
    """Of everything that decides how the run goes on, pictures by their pixels."""
    digest = hashlib.sha256()
    for value in vars(task).values():
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, np.ndarray):
                digest.update(f"{part.shape}".encode() + part.tobytes())
            elif isinstance(part, Cost):
                digest.update(repr(replace(part, weights=None)).encode())
            else:
                digest.update(repr(part).encode())
    return digest.hexdigest()
