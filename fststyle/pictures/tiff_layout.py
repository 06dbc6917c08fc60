"""What the tags of a TIFF say of its samples (TIFF 6.0)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

_UNSIGNED, _FLOAT = 1, 3
_LOSSLESS = {1, 5, 8, 32773, 32946, 34925, 50000}
_PREMULTIPLIED, _STRAIGHT = 1, 2
# Of 24 bits programs disagree about the order of the bytes.
_INTEGER_BITS = {8, 10, 12, 14, 16, 32}
_FLOAT_BITS = {16, 32, 64}
_MOST_CHANNELS = 16
_WIDEST_TILE = 65_536
_LAB = 8
_COLORS = {0: 1, 1: 1, 2: 3, _LAB: 3}  # of photometric interpretations


class Tag(IntEnum):
    """The tags that say how pixels are stored."""

    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIPS = 273
    ORIENTATION = 274
    CHANNELS = 277
    ROWS = 278
    STRIP_BYTES = 279
    PLANAR = 284
    PREDICTOR = 317
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILES = 324
    TILE_BYTES = 325
    EXTRA = 338
    FORMAT = 339
    PROFILE = 34675


@dataclass(frozen=True)
class Layout:
    """What a file's tags say of its samples.

    Attributes:
        colors: 1 or 3; more channels follow.
        alpha: The channel of alpha; None if there is none.
        order: "<" or ">".
        across: Tiles in a row; 1 for strips.
        tile_width: In pixels; the picture's width for strips.
    """

    width: int
    height: int
    bits: int
    floating: bool
    channels: int
    colors: int
    alpha: int | None
    premultiplied: bool
    white_is_zero: bool
    lab: bool
    planar: bool
    predictor: int
    order: str
    across: int
    tile_width: int

    @property
    def together(self) -> int:
        """Channels that stand side by side in a row."""
        return 1 if self.planar else self.channels

    @property
    def tile_row_bytes(self) -> int:
        """A row of a strip or tile."""
        return -(-self.tile_width * self.together * self.bits // 8)


def layout_of(tags: ImageFileDirectory_v2) -> Layout | None:
    """Read the tags; None for what is not read here either."""
    bits, formats = several(tags.get(Tag.BITS, 1)), several(tags.get(Tag.FORMAT, _UNSIGNED))
    photometric, extras = tags.get(Tag.PHOTOMETRIC), several(tags.get(Tag.EXTRA, ()))
    channels = int(tags.get(Tag.CHANNELS, 1))
    if photometric == _LAB and bits[0] != 16:
        return None
    known = _FLOAT_BITS if formats[0] == _FLOAT else _INTEGER_BITS if formats[0] == _UNSIGNED else set()
    if photometric not in _COLORS or len(set(bits)) != 1 or len(set(formats)) != 1 or bits[0] not in known:
        return None
    colors = _COLORS[photometric]
    if (
        not colors <= channels <= _MOST_CHANNELS
        or tags.get(Tag.COMPRESSION, 1) not in _LOSSLESS
        or (Tag.STRIPS in tags) == (Tag.TILES in tags)
    ):
        return None
    predictor = int(tags.get(Tag.PREDICTOR, 1))
    width = int(tags[Tag.WIDTH])
    tile_width = int(tags[Tag.TILE_WIDTH]) if Tag.TILES in tags else width
    if not 0 < tile_width <= max(width, _WIDEST_TILE):
        return None
    if predictor != 1 and predictor != (3 if formats[0] == _FLOAT else 2):
        return None
    alphas = [place for place, kind in enumerate(extras) if kind in (_PREMULTIPLIED, _STRAIGHT)]
    return Layout(
        width=width,
        height=int(tags[Tag.HEIGHT]),
        bits=bits[0],
        floating=formats[0] == _FLOAT,
        channels=channels,
        colors=colors,
        alpha=colors + alphas[0] if alphas and colors + alphas[0] < channels else None,
        premultiplied=bool(alphas) and extras[alphas[0]] == _PREMULTIPLIED,
        white_is_zero=photometric == 0,
        lab=photometric == _LAB,
        planar=tags.get(Tag.PLANAR, 1) == 2 and channels > 1,
        predictor=predictor,
        order="<" if tags.prefix.startswith(b"II") else ">",
        across=-(-width // tile_width),
        tile_width=tile_width,
    )


def several(value: Any) -> tuple[Any, ...]:
    """A tag that has one value, or one for each channel."""
    return value if isinstance(value, tuple) else (value,)
