"""How a frame is turned and mirrored before it is shown: all of its display matrix, not only the angle."""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """The nearest of the eight ways to lay down a rectangle; applied in this order.

    Attributes:
        transposed: Rows become columns.
        mirrored: Left becomes right, afterwards.
        flipped: Top becomes bottom, afterwards.
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """What the frame asks for."""
        matrix = _display_matrix(frame)
        if matrix is None:
            return cls()
        # x' = ax + cy and y' = bx + dy; u, v and what follows move and scale, which players leave out.
        a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    def apply(self, rgb: NDArray[Any]) -> NDArray[Any]:
        """(H, W, 3), or (W, H, 3) if transposed; a view."""
        if self.transposed:
            rgb = rgb.swapaxes(0, 1)
        return rgb[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1]


def _display_matrix(frame: av.VideoFrame) -> bytes | None:
    """PyAV raises where a frame carries data that it has no name for: EXIF of a JPEG, views of a spatial video."""
    # `frame.side_data` is kept in the frame, and holds it: such a ring lasts until Python's collector comes, which
    # counts objects and not bytes. More than a hundred frames lay there.
    side_data: Any = SideDataContainer  # its type hints leave out what it takes
    while True:
        try:
            matrix: Any = side_data(frame).get("DISPLAYMATRIX")
        except ValueError as error:
            frame = _without(frame, kind=int(str(error).split()[0]))  # "31 is not a valid Type"
        else:
            return None if matrix is None else bytes(matrix)


def _without(frame: av.VideoFrame, kind: int) -> av.VideoFrame:
    """The frame without data of a kind, as ffmpeg numbers it."""
    graph = av.filter.Graph()
    buffer = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
    graph.link_nodes(
        graph.add("buffer", buffer), graph.add("sidedata", f"mode=delete:type={kind}"), graph.add("buffersink")
    ).configure()
    graph.push(frame)
    return graph.vpull()
