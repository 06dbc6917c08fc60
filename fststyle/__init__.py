"""fststyle: train feed-forward style networks and run them from one ONNX file.

What stands here is all that painting needs. Each name is loaded when it is asked for: `import fststyle` alone loads
neither numpy nor onnxruntime. Everything that trains lives in `fststyle.training` and needs the extra
`fststyle[train]`.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fststyle.errors import (
        AlreadyTrainedError,
        CheckpointError,
        DataError,
        DeviceError,
        FststyleError,
        ImageError,
        ModelFileError,
        TrainingError,
        VideoError,
        WeightsError,
    )
    from fststyle.jobs.files import paint_files
    from fststyle.jobs.run import Result
    from fststyle.model.card import ModelCard
    from fststyle.model.file import ModelFile, read_model
    from fststyle.model.gallery import networks
    from fststyle.paint.blend import Blend
    from fststyle.paint.controls import Controls
    from fststyle.paint.frames import Steadiness, stylize_frames
    from fststyle.paint.stylizer import Stylizer
    from fststyle.pictures.files import read_mask, read_picture, write_picture
    from fststyle.pictures.picture import Picture
    from fststyle.predict.new_style import new_style, write_new_style
    from fststyle.runtime.convert import quantize
    from fststyle.runtime.forms import export_form
    from fststyle.runtime.styles import export_styles

try:
    __version__ = version("fststyle")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"

__all__ = [
    "AlreadyTrainedError",
    "Blend",
    "CheckpointError",
    "Controls",
    "DataError",
    "DeviceError",
    "FststyleError",
    "ImageError",
    "ModelCard",
    "ModelFile",
    "ModelFileError",
    "Picture",
    "Result",
    "Steadiness",
    "Stylizer",
    "TrainingError",
    "VideoError",
    "WeightsError",
    "__version__",
    "export_form",
    "export_styles",
    "networks",
    "new_style",
    "paint_files",
    "quantize",
    "read_mask",
    "read_model",
    "read_picture",
    "stylize_frames",
    "write_new_style",
    "write_picture",
]

_HOMES = {
    "AlreadyTrainedError": "fststyle.errors",
    "Blend": "fststyle.paint.blend",
    "CheckpointError": "fststyle.errors",
    "Controls": "fststyle.paint.controls",
    "DataError": "fststyle.errors",
    "DeviceError": "fststyle.errors",
    "FststyleError": "fststyle.errors",
    "ImageError": "fststyle.errors",
    "ModelCard": "fststyle.model.card",
    "ModelFile": "fststyle.model.file",
    "ModelFileError": "fststyle.errors",
    "Picture": "fststyle.pictures.picture",
    "Result": "fststyle.jobs.run",
    "Steadiness": "fststyle.paint.frames",
    "Stylizer": "fststyle.paint.stylizer",
    "TrainingError": "fststyle.errors",
    "VideoError": "fststyle.errors",
    "WeightsError": "fststyle.errors",
    "export_form": "fststyle.runtime.forms",
    "export_styles": "fststyle.runtime.styles",
    "networks": "fststyle.model.gallery",
    "new_style": "fststyle.predict.new_style",
    "paint_files": "fststyle.jobs.files",
    "quantize": "fststyle.runtime.convert",
    "read_mask": "fststyle.pictures.files",
    "read_model": "fststyle.model.file",
    "read_picture": "fststyle.pictures.files",
    "stylize_frames": "fststyle.paint.frames",
    "write_new_style": "fststyle.predict.new_style",
    "write_picture": "fststyle.pictures.files",
}

# A type checker that saw it would take any name for one of ours.
if not TYPE_CHECKING:

    def __getattr__(name):
        from importlib import import_module

        if name in _HOMES:
            value = globals()[name] = getattr(import_module(_HOMES[name]), name)
            return value
        raise import_module("fststyle.system.door").unknown_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
