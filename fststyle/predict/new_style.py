"""A network for any painting, in a second: the predictor gives the numbers of its style, the body paints with them.

A shared body with gains and shifts for each style is Dumoulin 2017; to predict them from the painting is Ghiasi 2017.
Theirs is one network with two inputs. Ours writes the numbers into a file of the body: an ordinary network, as fast as
any other, from which a training can go on.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypedDict, Unpack

import numpy as np
import onnx
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.style_numbers import style_numbers, with_numbers
from fststyle.model.card import ModelCard
from fststyle.model.defaults import STYLE_SIZE, STYLE_SIZES
from fststyle.model.devices import open_session
from fststyle.model.file import ModelFile, read_model, with_card, write_model
from fststyle.paint.stylizer import Opening, Stylizer
from fststyle.pictures.files import DEFAULT_MAX_PIXELS
from fststyle.pictures.painting import look_at
from fststyle.system.file_kinds import Kind
from fststyle.system.files import refuse_inputs, refuse_other_kind
from fststyle.system.ranges import is_whole
from fststyle.system.utf8 import utf8
from fststyle.system.warn import warn

Pixels = NDArray[np.uint8]

_HERE = Path(__file__).parent

PREDICTOR = _HERE / "predictor.onnx"
"""From a painting to the numbers of its style."""

BODY = _HERE / "body.onnx"
"""The network that the numbers go into."""

MOST_PIXELS = 400_000
"""Of a painting as the predictor looks at it: the statistics of more are the same, and take longer."""

STRANGE = 0.05
"""Share of the statistics that are as far from the paintings that the predictor has learned from as it can tell."""


class Predicted(NamedTuple):
    """A network that nobody trained.

    Attributes:
        model: Its graph.
        card: What it says about itself.
        strangeness: The share of the painting's statistics that is strange to the predictor, 0 to 1.
    """

    model: onnx.ModelProto
    card: ModelCard
    strangeness: float

    def file(self) -> ModelFile:
        """As `read_model` gives it of a file; messages call it by its painting."""
        data = with_card(self.model, self.card).SerializeToString()
        return read_model(data, f"the network predicted from {self.card.painting}")


def predicted_graph(rgb: Pixels) -> tuple[onnx.ModelProto, float]:
    """The network of a painting, (H, W, 3), as `look_at` gives it.

    Returns:
        Its graph, without a card; and the share of the painting's statistics that is strange to the predictor, 0 to 1.
    """
    shared, _ = body()
    own = style_numbers(shared)
    numbers, strangeness = _look(_part(rgb))
    parts = np.split(numbers, np.cumsum([len(values) for values in own.values()])[:-1])
    return with_numbers(shared, dict(zip(own, parts, strict=True))), strangeness


def predicted_network() -> tuple[str, float]:
    """Architecture and width of the body."""
    _, card = body()
    return card.network, card.width


class Settings(TypedDict, total=False):
    """The arguments of `predict` by name."""

    style_size: int
    name: str | None
    licence: str
    max_pixels: int


def predict(
    painting: Path | str | BinaryIO,
    *,
    style_size: int = STYLE_SIZE,
    name: str | None = None,
    licence: str = "unspecified",
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Predicted:
    """Make a network for a painting.

    Args:
        painting: A picture file, or an open one.
        style_size: Shorter side in pixels at which it is looked at: smaller means finer strokes.
        name: Of the style; None takes the file's.
        licence: Under which the network may be used, as it shall stand in the file.
        max_pixels: Of the painting's file; those with more are refused before they are decoded.

    Raises:
        ImageError: The painting cannot be read.
        ValueError: The size is below 32 or above 4096.
    """
    least, most = STYLE_SIZES
    if not is_whole(style_size, least, most):
        raise ValueError(f"style_size must be a whole number in {least}..{most}, not {style_size!r}")
    source = Path(painting) if isinstance(painting, str) else painting
    if not isinstance(source, Path) and not hasattr(source, "read"):
        raise ValueError(f"the painting must be the path of a picture, or an open file, not {type(painting).__name__}")
    file = getattr(source, "name", None)
    title = utf8(Path(str(file)).name).decode() if file else "a painting"
    rgb = look_at(source, style_size, max_pixels=max_pixels)
    model, strangeness = predicted_graph(rgb)
    if strangeness > STRANGE:
        warn(f"{title} is unlike the paintings that the predictor knows; if its style is not met, train it")
    card = predicted_card(name or Path(title).stem, title, style_size, licence)
    return Predicted(model, card, strangeness)


def predicted_card(style: str, painting: str, style_size: int = STYLE_SIZE, licence: str = "unspecified") -> ModelCard:
    """What a network that was predicted says about itself."""
    _, card = body()
    recipe = card.recipe | {"init": "predicted", "style_size": style_size}
    return replace(card, style=style, painting=painting, licence=licence, recipe=recipe)


def write_new_style(painting: Path | str | BinaryIO, output: Path | str, **settings: Unpack[Settings]) -> ModelCard:
    """As `predict`, into a file that is replaced whole or not at all.

    Raises:
        ImageError: The painting cannot be read.
        ModelFileError: The file cannot be written.
    """
    output = Path(output)
    if isinstance(painting, str | Path):
        refuse_inputs(output, Path(painting))
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    made = predict(painting, **settings)
    return write_model(output, made.model, made.card)


def new_style(
    painting: Path | str | BinaryIO,
    *,
    style_size: int = STYLE_SIZE,
    device: str = "auto",
    **opening: Unpack[Opening],
) -> Stylizer:
    """A `Stylizer` in the style of a painting, without a training.

    Args:
        painting: A picture file, or an open one.
        style_size: As for `predict`.
        device: As for `Stylizer`, like the other arguments.

    Raises:
        ImageError: The painting cannot be read.
        ValueError: An argument is out of its range.
    """
    return Stylizer(predict(painting, style_size=style_size).file(), device, **opening)


def _part(rgb: Pixels) -> Pixels:
    """The middle of a large painting."""
    height, width = rgb.shape[:2]
    share = min(1.0, float(np.sqrt(MOST_PIXELS / (height * width))))
    tall, wide = max(1, int(height * share)), max(1, int(width * share))
    top, left = (height - tall) // 2, (width - wide) // 2
    return rgb[top : top + tall, left : left + wide]


def _look(rgb: Pixels) -> tuple[NDArray[np.float32], float]:
    """The numbers of a style, and how much of the painting is strange to the predictor, from 0 to 1."""
    session = open_session(PREDICTOR.read_bytes())
    numbers, strangeness = session.run(None, {"painting": rgb[None]})
    found: NDArray[np.float32] = numbers[0]
    return found, float(strangeness[0])


@cache
def body() -> tuple[onnx.ModelProto, ModelCard]:
    """The network that the numbers go into, with those in the middle of all styles, and its card."""
    file = read_model(BODY)
    if file.card is None:
        raise ModelFileError("the package's body is broken; install fststyle again")
    return onnx.ModelProto.FromString(file.data), file.card
