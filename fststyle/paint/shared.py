"""Frames that follow each other share what the instance norms of a network found in the first of them.

A network whose statistics are known needs no norms (`graph/known_norms.py`): in 8 bits it takes two thirds of the time.
So one frame is measured, and those after it are painted with its statistics until brightness, contrast or detail has
changed. While they change from each frame to the next, as in a fade, every frame is painted with its own. So is a frame
of one color: its statistics would make the brightest paint of the faintest noise.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fststyle.errors import ModelFileError
from fststyle.graph.known_norms import KnownNorms
from fststyle.graph.statistics import MEASURED_MEAN, MEASURED_VARIANCE, Statistics
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.paint.cuts import tiny_picture
from fststyle.runtime.network import Network

Pixels = NDArray[np.uint8]

# By what share of the contrast brightness may change in a stretch, and by what share the contrast itself.
_CHANGE = 0.04

# And from one frame to the next, where another stretch begins.
_SUDDEN = 0.02

# Of a frame. A session takes as long to open, however small frames are: below, that is more than is saved.
_LEAST_PIXELS = 200_000

# Of a network in floats: one of fewer weights is mostly pixels that move, and no faster without norms.
_LEAST_BYTES = 500_000

# A change of detail counts so much. With less, a picture that comes into focus is painted 15 dB off; with more, motion
# that blurs ends most stretches.
_DETAIL = 0.25

# Rows in which detail is looked for, at least: more tell the same.
_ROWS = 64

# Standard deviation in gray levels below which a frame is one color.
_LEAST_CONTRAST = 8.0


class Stretch:
    """Frames that share statistics, and the sessions that paint with them."""

    def __init__(self) -> None:
        self._statistics: dict[tuple[int, int], Statistics] = {}
        self._sessions: dict[tuple[int, int], onnxruntime.InferenceSession] = {}
        self._measured = threading.Event()
        self._lock = threading.Lock()

    def put(self, size: tuple[int, int], statistics: Statistics) -> None:
        """Note what the first frame found at a height and width; one that is painted in passes has several."""
        self._statistics[size] = statistics

    def close(self) -> None:
        """Note that the first frame is painted."""
        self._measured.set()

    def session(
        self, size: tuple[int, int], opened: Callable[[Statistics], onnxruntime.InferenceSession]
    ) -> onnxruntime.InferenceSession | None:
        """What paints frames of this size, once the first one is painted; None if that one had no such size."""
        self._measured.wait()
        with self._lock:
            if size not in self._sessions and size in self._statistics:
                self._sessions[size] = opened(self._statistics[size])
            return self._sessions.get(size)


@dataclass(frozen=True)
class Place:
    """Of a frame in its clip.

    Attributes:
        stretch: None if it is painted by itself.
        begins: Whether it is the first of the stretch, which is measured.
    """

    stretch: Stretch | None = None
    begins: bool = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """While this thread paints the frame; in the end, frames that wait for it may begin."""
        token = _PLACE.set(self)
        try:
            yield
        finally:
            _PLACE.reset(token)
            if self.begins and self.stretch is not None:
                self.stretch.close()


_PLACE: ContextVar[Place | None] = ContextVar("place", default=None)


class SharingNetwork(Network):
    """A network that paints each frame of a clip with what it found in one shortly before.

    Args:
        network: What it is a form of.
        form: That network's.
        most: So many frames share statistics at most.

    Raises:
        ModelFileError: The norms of this network cannot become part of its convolutions.
    """

    def __init__(self, network: Network, form: StatisticsForm, most: int) -> None:
        self._known = KnownNorms(form)
        suited = network.suited(self._known.data)
        # Weights that it rearranges would have to be rearranged again.
        self._suited = suited if self._known.lie_in(suited) else None
        measuring = network.open(form.build(measured=form.every))
        super().__init__(network.model, measuring, network.device, network.layout, network.threads)
        self._measuring = measuring
        self._network = network
        self._most = most
        self.afresh()

    def afresh(self) -> None:
        """Measure the next frame."""
        self._stretch: Stretch | None = None
        self._left = 0
        self._first = self._last = _Look(np.zeros(3), np.zeros(3), np.zeros(3))

    def place(self, rgb: Pixels) -> Place:
        """Of the next frame, (H, W, 3)."""
        if rgb.shape[0] * rgb.shape[1] < _LEAST_PIXELS:
            return Place()
        found = _look(rgb)
        last, self._last = self._last, found
        if found.contrast.mean() < _LEAST_CONTRAST:
            self._left = 0
            return Place()
        if self._left and _change(self._first, found) <= _CHANGE:
            self._left -= 1
            return Place(self._stretch)
        if self._stretch is not None and _change(last, found) > _SUDDEN:
            self._left = 0
            return Place()
        self._stretch, self._left, self._first = Stretch(), self._most - 1, found
        return Place(self._stretch, begins=True)

    def run(self, rgb: Pixels, strength: float = 1.0) -> Pixels:
        """Paint (H, W, 3), of a frame whose `Place.entered` was entered."""
        place, size = _PLACE.get() or Place(), (rgb.shape[0], rgb.shape[1])
        if place.stretch is not None and place.begins:
            names = [self.model.output_name, MEASURED_MEAN, MEASURED_VARIANCE]
            answer, mean, variance = self.ask(self._measuring, rgb, {}, names, strength)
            place.stretch.put(size, Statistics(mean, variance))
            return self.to_rgb(answer, size)
        session = None if place.stretch is None else place.stretch.session(size, self._opened)
        return self._network.run(rgb, strength) if session is None else self.paint(session, rgb, {}, strength)

    def _opened(self, found: Statistics) -> onnxruntime.InferenceSession:
        if self._suited is None:
            suited = self._network.suited(self._known.filled(self._known.data, found))
        else:
            suited = self._known.filled(self._suited, found)
        return self._network.open_suited(suited)


def share(network: Network, most: int) -> SharingNetwork | None:
    """None where nothing is gained: frames are measured each, norms have to stay, or it is small, or on no CPU."""
    gains = network.model.is_quantized or len(network.model.data) >= _LEAST_BYTES
    if most == 1 or network.device != "cpu" or not gains:
        return None
    try:
        form = StatisticsForm.read(network.model.data)
        return SharingNetwork(network, form, most) if form.norms else None
    except ModelFileError:
        return None


class _Look(NamedTuple):
    """What frames are compared by, in gray levels of each color."""

    mean: NDArray[np.floating]
    contrast: NDArray[np.floating]
    detail: NDArray[np.floating]
    """Mean difference of neighbors."""


def _look(rgb: Pixels) -> _Look:
    tiny = tiny_picture(rgb).reshape(-1, 3)
    step = max(1, min(rgb.shape[:2]) // _ROWS)
    few = rgb[1::step, 1::step].astype(np.int16)
    detail = np.abs(few - rgb[::step, ::step][: few.shape[0], : few.shape[1]])
    return _Look(tiny.mean(axis=0), tiny.std(axis=0), detail.mean(axis=(0, 1)) if detail.size else np.zeros(3))


def _change(before: _Look, after: _Look) -> float:
    """How far mean, contrast or detail of any color have changed, as a share of the contrast or of the detail."""
    brightness = np.abs(after.mean - before.mean).max() / (before.contrast.mean() + 1)
    contrast = np.abs(np.log((after.contrast + 1) / (before.contrast + 1))).max()
    # Less than a quarter of a level is rounding.
    detail = np.abs(np.log((after.detail + 0.25) / (before.detail + 0.25))).max()
    return float(max(brightness, contrast, _DETAIL * detail))
