"""One network from file to pixels: uint8 in, uint8 of the same height and width out."""

import warnings
from pathlib import Path
from typing import Literal, Self, get_args

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from PIL import Image

from fststyle.devices import PROVIDERS, choose_device, remedy
from fststyle.errors import DeviceError, ModelFileError
from fststyle.images import resize, with_content_color
from fststyle.model_card import ModelCard
from fststyle.model_file import STRENGTH_NAME, ModelFile, read_model
from fststyle.picture import Picture, to_picture

Layout = Literal["rgb1", "rgb255", "bgr255"]
Told = dict[str, NDArray[np.float32]]  # further inputs by name

# Networks of others rarely say so, but those with two or three strides of 2 want sides that are a multiple of 4 or 8.
_FOREIGN_MULTIPLE = 8

_ORT_ERRORS = (
    RuntimeError,
    ValueError,
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Stylizer:
    """A network that is ready to run; make one with `Stylizer.load`.

    Attributes:
        card: What the file says about itself; None for files that fststyle did not make.
        device: Where the network runs: "cpu", "cuda", "directml" or "coreml".
    """

    def __init__(self, model: ModelFile, session: onnxruntime.InferenceSession, device: str, layout: Layout) -> None:
        self.card: ModelCard | None = model.card
        self.device = device
        self._model = model
        self._session = session
        self._layout = layout
        self._checked_range = model.card is not None

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str = "auto",
        *,
        layout: Layout = "rgb1",
        threads: int | None = None,
    ) -> Self:
        """Open a network, ours or someone else's.

        Args:
            path: The ONNX file, or the name of a network that ships.
            device: "cpu", "cuda", "directml", "coreml"; "auto" is the first of cuda, directml and cpu that works.
            layout: What a foreign network computes on: RGB in 0..1, RGB in 0..255, or BGR in 0..255. Ours are "rgb1".
            threads: For the CPU; None leaves the choice to onnxruntime, a thread a core.

        Raises:
            ModelFileError: The file is missing, broken, or not a style network.
            DeviceError: The device asked for cannot be used.
        """
        if layout not in get_args(Layout):
            raise ValueError(f"layout must be one of {', '.join(get_args(Layout))}, not {layout!r}")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        chosen = choose_device(device)
        model = read_model(Path(path))
        if model.card is not None and layout != "rgb1":
            raise ValueError(f"{path} was made by fststyle, so its layout is rgb1, not {layout}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        providers = [PROVIDERS[chosen], PROVIDERS["cpu"]] if chosen != "cpu" else [PROVIDERS["cpu"]]
        try:
            session = onnxruntime.InferenceSession(model.data, options, providers=providers)
        except _ORT_ERRORS as error:
            raise ModelFileError(f"{path} cannot be run by onnxruntime ({_line(error)}); export it again") from error
        # onnxruntime falls back to the CPU without a word.
        if PROVIDERS[chosen] not in session.get_providers():
            if device != "auto":
                raise DeviceError(f"onnxruntime could not start {chosen} and would use the CPU; {remedy(chosen)}")
            chosen = "cpu"
        return cls(model, session, chosen, layout)

    def __call__(
        self,
        image: NDArray[np.uint8] | Picture | Image.Image,
        *,
        strength: float = 1.0,
        keep_color: bool = False,
    ) -> NDArray[np.uint8]:
        """Stylize a picture.

        A picture that is smaller than the network can take is continued by reflection and cut back. A network for one
        size only gets the picture resized, whatever its aspect ratio, and its answer is resized back.

        Args:
            image: uint8 RGB of shape (H, W, 3), or a Pillow image of any mode.
            strength: 0 is the picture as it came, 1 the network's answer; between them a network that was trained for
                it paints less strongly, and of any other it is a plain cross-fade.
            keep_color: Take only the brightness from the network's answer, the colors from the picture.

        Returns:
            uint8 RGB of shape (H, W, 3), the same H and W.

        Raises:
            ModelFileError: The network fails on this picture, or gives something other than a picture of its size.
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must lie in 0..1, not {strength}")
        rgb = _as_rgb(image)
        if strength == 0:
            return rgb.copy()
        told = {STRENGTH_NAME: np.full(1, strength, np.float32)} if self._model.takes_strength else {}
        stylized = self._stylize(rgb, told)
        if keep_color:
            stylized = with_content_color(stylized, rgb)
        if strength < 1 and not told:
            mixed = strength * stylized.astype(np.float32) + (1 - strength) * rgb
            stylized = (mixed + 0.5).astype(np.uint8)
        return stylized

    def _stylize(self, rgb: NDArray[np.uint8], told: Told) -> NDArray[np.uint8]:
        height, width = rgb.shape[:2]
        _, _, fixed_height, fixed_width = self._model.input_shape
        if fixed_height or fixed_width:
            fitted = resize(rgb, fixed_height or height, fixed_width or width)
            return resize(self._run(fitted, told), height, width)
        if self.card is not None:
            padded_height, padded_width = (max(side, self.card.min_side) for side in (height, width))
        else:
            padded_height, padded_width = (
                -(-side // _FOREIGN_MULTIPLE) * _FOREIGN_MULTIPLE for side in (height, width)
            )
        top, left = (padded_height - height) // 2, (padded_width - width) // 2
        around = ((top, padded_height - height - top), (left, padded_width - width - left), (0, 0))
        stylized = self._run(np.pad(rgb, around, mode="reflect"), told)
        return stylized[top : top + height, left : left + width]

    def _run(self, rgb: NDArray[np.uint8], told: Told) -> NDArray[np.uint8]:
        height, width = rgb.shape[:2]
        white = 1 if self._layout == "rgb1" else 255
        channels = rgb[:, :, ::-1] if self._layout == "bgr255" else rgb
        content = np.ascontiguousarray(channels.transpose(2, 0, 1)[None], np.float32)  # (1, 3, H, W)
        content *= white / 255
        try:
            (answer,) = self._session.run([self._model.output_name], {self._model.input_name: content, **told})
        except _ORT_ERRORS as error:
            raise ModelFileError(
                f"{self._model.name} fails on {width}×{height} pixels ({_line(error)}); try a smaller picture"
            ) from error
        if answer.shape != content.shape:
            raise ModelFileError(
                f"{self._model.name} makes {answer.shape} of {content.shape}; choose a network that keeps the size"
            )
        lowest, highest = float(answer.min()), float(answer.max())
        if not np.isfinite([lowest, highest]).all():
            raise ModelFileError(
                f"{self._model.name} gives values that are no numbers; its training went wrong, use another"
            )
        if not self._checked_range:
            self._checked_range = True
            if self._layout == "rgb1" and highest > 4:
                warnings.warn(
                    f"{self._model.name} gives values up to {highest:.0f}, not 1; try layout 'rgb255' or 'bgr255'",
                    stacklevel=4,
                )
        stylized = np.clip(answer[0] * (255 / white) + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
        if self._layout == "bgr255":
            stylized = stylized[:, :, ::-1]
        return np.ascontiguousarray(stylized)


def _as_rgb(image: NDArray[np.uint8] | Picture | Image.Image) -> NDArray[np.uint8]:
    if isinstance(image, Image.Image):
        image = to_picture(image)
    rgb = image.rgb if isinstance(image, Picture) else np.asarray(image)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"the picture must be uint8 of shape (height, width, 3), not {rgb.dtype} of {rgb.shape}")
    return rgb


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
