"""A network that onnxruntime runs: pixels in and out, whatever it computes on."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fststyle.devices import ORT_ERRORS, PROVIDERS, choose_device, open_session, reason, remedy
from fststyle.errors import DeviceError, ModelFileError
from fststyle.model_file import STRENGTH_NAME, ModelFile, read_model

Layout = Literal["rgb1", "rgb255", "bgr255"]

# Rows of an answer that become bytes at a time.
_ROWS = 32


class Network:
    """A model file and a session of it; make one with `Network.load`.

    Attributes:
        model: The file.
        device: Where it runs: "cpu", "cuda", "directml" or "coreml".
        layout: What it computes on.
    """

    def __init__(
        self, model: ModelFile, session: onnxruntime.InferenceSession, device: str, layout: Layout, threads: int | None
    ) -> None:
        self.model = model
        self.device = device
        self.layout = layout
        self._session = session
        self._threads = threads
        self._checked_range = model.card is not None

    @classmethod
    def load(cls, path: Path, device: str, layout: Layout, threads: int | None) -> Self:
        """As `Stylizer.load` says."""
        if layout not in get_args(Layout):
            raise ValueError(f"layout must be one of {', '.join(get_args(Layout))}, not {layout!r}")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        chosen = choose_device(device)
        model = read_model(path)
        if model.card is not None and layout != "rgb1":
            raise ValueError(f"{path} was made by fststyle, so its layout is rgb1, not {layout}")
        session = _open(model.data, str(path), chosen, threads)
        # onnxruntime falls back to the CPU without a word.
        if PROVIDERS[chosen] not in session.get_providers():
            if device != "auto":
                raise DeviceError(f"onnxruntime could not start {chosen} and would use the CPU; {remedy(chosen)}")
            chosen = "cpu"
        return cls(model, session, chosen, layout, threads)

    def open(self, data: bytes) -> onnxruntime.InferenceSession:
        """A session of a graph derived from this network, where this network runs."""
        return _open(data, self.model.name, self.device, self._threads)

    def run(self, rgb: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Paint (H, W, 3).

        Args:
            rgb: The picture.
            strength: For a network that can be told; others do not hear it.

        Raises:
            ModelFileError: The network fails, or gives something other than a picture of this size.
        """
        return self.paint(self._session, rgb, {}, strength)

    def paint(
        self,
        session: onnxruntime.InferenceSession,
        rgb: NDArray[np.uint8],
        feeds: Mapping[str, NDArray[Any]],
        strength: float = 1.0,
    ) -> NDArray[np.uint8]:
        """As `run`, with a session from `open` and its further inputs."""
        (answer,) = self.ask(session, rgb, feeds, [self.model.output_name], strength)
        return self.to_rgb(answer, rgb.shape[:2])

    def ask(
        self,
        session: onnxruntime.InferenceSession,
        rgb: NDArray[np.uint8],
        feeds: Mapping[str, NDArray[Any]],
        names: Sequence[str],
        strength: float = 1.0,
    ) -> list[NDArray[Any]]:
        """Some of a session's outputs for a picture.

        Raises:
            ModelFileError: The network fails.
        """
        content = np.ascontiguousarray(rgb[None]) if self.model.byte_pixels else self._to_content(rgb)
        try:
            told = self._told(session, strength)
            return list(session.run(list(names), {self.model.input_name: content, **feeds, **told}))
        except ORT_ERRORS as error:
            height, width = rgb.shape[:2]
            raise ModelFileError(
                f"{self.model.name} fails on {width}×{height} pixels ({reason(error)}); try a smaller picture"
            ) from error

    def _told(self, session: onnxruntime.InferenceSession, strength: float) -> dict[str, NDArray[np.float32]]:
        """The strength, if it is not the default and this session's graph, perhaps a part of the network's, has it."""
        if strength == 1 or not self.model.takes_strength:
            return {}
        if STRENGTH_NAME not in {value.name for value in session.get_overridable_initializers()}:
            return {}
        return {STRENGTH_NAME: np.full(1, strength, np.float32)}

    def _to_content(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        white = 1 if self.layout == "rgb1" else 255
        channels = rgb[:, :, ::-1] if self.layout == "bgr255" else rgb
        content = np.ascontiguousarray(channels.transpose(2, 0, 1)[None], np.float32)  # (1, 3, H, W)
        content *= white / 255
        return content

    def to_rgb(self, answer: NDArray[Any], sides: tuple[int, ...]) -> NDArray[np.uint8]:
        """What a session of this network gave, (1, 3, H, W), as pixels; `sides` are (H, W) of what it was given.

        Raises:
            ModelFileError: It is something other than a picture of this size.
        """
        shape = (1, *sides, 3) if self.model.byte_pixels else (1, 3, *sides)
        if answer.shape != shape:
            raise ModelFileError(
                f"{self.model.name} makes {answer.shape} of {shape}; choose a network that keeps the size"
            )
        answer = answer[0]
        if self.model.byte_pixels:
            return np.asarray(answer)
        lowest, highest = float(answer.min()), float(answer.max())
        if not np.isfinite([lowest, highest]).all():
            raise ModelFileError(
                f"{self.model.name} gives values that are no numbers; its training went wrong, use another"
            )
        if not self._checked_range:
            self._checked_range = True
            if self.layout == "rgb1" and highest > 4:
                warnings.warn(
                    f"{self.model.name} gives values up to {highest:.0f}, not 1; try layout 'rgb255' or 'bgr255'",
                    stacklevel=7,
                )
        white = 1 if self.layout == "rgb1" else 255
        stylized = _as_bytes(answer, 255 / white)
        return np.ascontiguousarray(stylized[:, :, ::-1]) if self.layout == "bgr255" else stylized


def _as_bytes(answer: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """(3, H, W) times `scale`, rounded, as (H, W, 3).

    A few rows at a time: in the cache, and channel by channel, this takes half as long as on the whole picture.
    """
    stylized = np.empty((*answer.shape[1:], 3), np.uint8)
    for top in range(0, len(stylized), _ROWS):
        rows = answer[:, top : top + _ROWS].astype(np.float32)
        rows *= scale
        rows += 0.5
        for channel, values in enumerate(np.clip(rows, 0, 255, out=rows).astype(np.uint8)):
            stylized[top : top + _ROWS, :, channel] = values
    return stylized


def _open(data: bytes, name: str, device: str, threads: int | None) -> onnxruntime.InferenceSession:
    try:
        return open_session(data, device, threads)
    except ORT_ERRORS as error:
        raise ModelFileError(f"{name} cannot be run by onnxruntime ({reason(error)}); export it again") from error
