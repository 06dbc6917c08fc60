"""One picture: what a request may ask for, and how it is painted."""

import io
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from fststyle.errors import ImageError
from fststyle.model.defaults import STYLE_SIZE
from fststyle.paint.blend import Blend
from fststyle.paint.controls import Controls
from fststyle.paint.passes import parse_passes
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, read_mask, read_picture, refuse_size, suffix_to_write
from fststyle.runtime.stopping import Stop
from fststyle.serve.networks import Networks
from fststyle.serve.queue import Queue
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Limits
from fststyle.serve.styles import Styles

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
}


class PaintQuery(BaseModel):
    """How a picture is painted; the same words as those of `fststyle stylize`."""

    model_config = ConfigDict(extra="forbid")

    network: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="Name of a network, or several with weights: `great_wave:0.7,udnie:0.3`. Left out with a style.",
        examples=["starry_night"],
    )
    style_size: int | None = Field(
        None, ge=32, le=2048, description=f"Shorter side at which a style is looked at. Default: {STYLE_SIZE}."
    )
    strength: float = Field(1.0, ge=0, le=1, description="0 gives the input, 1 the full style.")
    mix: str | None = Field(
        None,
        max_length=2000,
        description="Styles of a network that has several: `udnie`, or `great_wave:0.7,udnie:0.3`.",
    )
    scale: float = Field(1.0, ge=0.1, le=10, description="Brush size factor: 2 paints strokes twice as broad.")
    passes: Literal["auto", "1", "2", "3"] = Field(
        "auto", description="How often the network paints, coarse to fine; by size, or 1 to 3 times."
    )
    keep_color: bool = Field(False, description="Keep the input's colors.")
    grain: float | None = Field(
        None, ge=0, le=100, description="Noise on what the network sees, in gray levels; the network's own by default."
    )
    max_side: int | None = Field(None, ge=1, le=100_000, description="Shrink the picture first, to this many pixels.")
    format: Literal["png", "jpg", "webp", "avif", "tif", "bmp"] | None = Field(
        None, description="Of the painting. Default: that of the picture's file name, or PNG."
    )
    quality: int = Field(95, ge=1, le=100, description="JPEG, WebP and AVIF quality.")


def suffix_of(query: PaintQuery, file_name: str | None) -> str:
    """The kind of file to answer with; of a client's file name nothing else is used."""
    if query.format is not None:
        return f".{query.format}"
    suffix = suffix_to_write(Path(file_name or "")).lower()
    return suffix if suffix in MEDIA_TYPES else ".png"


class Sent(NamedTuple):
    """The files of a form.

    Attributes:
        picture: What is painted.
        mask: Where it is painted; None for everywhere.
        style: The painting that it shall look like; None if the query names a network.
    """

    picture: bytes
    mask: bytes | None
    style: bytes | None


class Painted(NamedTuple):
    """The answer to a request.

    Attributes:
        picture: A file.
        strangeness: Of the style, as in `Predicted`; None if the query names a network.
    """

    picture: bytes
    strangeness: float | None


class Studio:
    """Paints the bytes of pictures."""

    def __init__(self, networks: Networks, styles: Styles, queue: Queue, limits: Limits) -> None:
        self._networks = networks
        self._styles = styles
        self._queue = queue
        self._limits = limits

    def paint(self, sent: Sent, query: PaintQuery, suffix: str, stop: Stop) -> Painted:
        """Paint a picture file, and give back one.

        Raises:
            FststyleError: A file cannot be read, or is too large; there is no such network; or not exactly one of
                network and style is given.
            StoppedError: `stop` was set.
        """
        painter, strangeness = self._painter(sent.style, query)
        stop.check()
        painted = self._painted(painter.mixed(query.mix), sent, query, suffix, stop)
        return Painted(painted, strangeness)

    def _painter(self, style: bytes | None, query: PaintQuery) -> tuple[Stylizer | Blend, float | None]:
        if (style is None) == (query.network is None):
            raise RefusedError(
                422, "give either network=, one of the list, or a style as a file of the form: -F style=@PAINTING"
            )
        if style is not None:
            return self._styles.style(style, query.style_size or STYLE_SIZE)
        if query.style_size is not None:
            raise RefusedError(422, "style_size: it belongs to a style that is sent; leave it out with network=")
        return self._networks.painter(query.network or ""), None

    def _painted(self, painter: Stylizer | Blend, sent: Sent, query: PaintQuery, suffix: str, stop: Stop) -> bytes:
        most = self._limits.pixels
        hint = None if query.max_side is None else 2 * query.max_side
        photo = read_picture(io.BytesIO(sent.picture), max_pixels=most, min_side_hint=hint)
        stop.check()
        if query.max_side is not None:
            photo = photo.fitted(query.max_side)
        height, width = photo.rgb.shape[:2]
        refuse_size(suffix, height, width)
        seen = height * width / query.scale**2
        if seen > most:
            raise RefusedError(
                422,
                f"at a scale of {query.scale:g} the network would see {seen / 1e6:,.0f} megapixels, more than the "
                f"{most / 1e6:,.0f} allowed; choose a larger scale or a smaller max_side",
            )
        try:
            shown = None if sent.mask is None else read_mask(io.BytesIO(sent.mask), max_pixels=most)
        except ImageError as error:
            raise RefusedError(422, str(error).replace("the picture", "the mask")) from error
        controls = Controls(
            query.strength, query.keep_color, query.scale, shown, query.grain, parse_passes(query.passes)
        )
        with self._queue.turn(max(height * width, int(seen)), stop):
            painted = photo.painted(painter(photo.to_paint(), controls))
        stop.check()
        return encode_picture(painted.rgb, painted.alpha, suffix, quality=query.quality, painting=True)
