"""A network to be judged, opened from an ONNX file."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fststyle.model.file import read_model
from fststyle.paint.stylizer import Layout, Stylizer
from fststyle.training.judge.flicker import Stylize


@dataclass(frozen=True)
class Model:
    """A network to be judged.

    Attributes:
        name: As tables have it.
        stylize: (H, W, 3) uint8 to the same.
        once: The same in one pass, however large the picture is; None is `stylize`.
        frame: The same as frames of videos are painted, without the grain that a network asks for; None is `stylize`.
        sides: Height and width if the network takes no others.
        style_size: That it was trained with, if it says so.
    """

    name: str
    stylize: Stylize
    sides: tuple[int, int] | None = None
    style_size: int | None = None
    once: Stylize | None = None
    frame: Stylize | None = None

    @classmethod
    def load(cls, path: Path, *, layout: Layout = "rgb1", name: str | None = None) -> "Model":
        """Open an ONNX file on the CPU.

        Args:
            path: The file, or the name of a network that ships.
            layout: What it computes on if it has no card; those that have one say so themselves.
            name: The file's own, without suffix, if not given.

        Raises:
            ModelFileError: The file is missing, broken, or not a style network.
        """
        file = read_model(path)
        stylizer = Stylizer.load(path, "cpu", layout="rgb1" if file.card else layout)
        _, _, height, width = file.input_shape
        style_size = file.card.recipe.get("style_size") if file.card else None
        sides = (height, width) if height and width else None
        once, frame = partial(stylizer, passes=1), partial(stylizer, passes=1, grain=0.0)
        return cls(name or path.stem, stylizer, sides, style_size, once, frame)
