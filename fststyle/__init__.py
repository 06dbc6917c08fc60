"""fststyle: train feed-forward style networks and run them from one ONNX file.

`Stylizer` is all that using a network needs, `stylize_frames` what the frames of a video need beyond it. Everything
that trains lives in `fststyle.training` and needs the extra `fststyle[train]`.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fststyle.paint.frames import stylize_frames
    from fststyle.paint.stylizer import Stylizer

try:
    __version__ = version("fststyle")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["Stylizer", "__version__", "stylize_frames"]


def __getattr__(name: str) -> Any:
    # onnxruntime takes a quarter of a second to import; `fststyle --help` must not pay for it.
    if name == "Stylizer":
        from fststyle.paint.stylizer import Stylizer

        return Stylizer
    if name == "stylize_frames":
        from fststyle.paint.frames import stylize_frames

        return stylize_frames
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
