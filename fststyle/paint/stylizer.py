"""One network from file to pixels: uint8 in, uint8 of the same height and width out."""

import copy
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.errors import ModelFileError
from fststyle.model.card import ModelCard
from fststyle.model.file import ModelFile, ModelSource
from fststyle.model.layouts import Layout
from fststyle.paint.controls import Controls, ControlValues
from fststyle.paint.mix import Mix, names_of, weights_of
from fststyle.pictures.picture import Picture, to_picture
from fststyle.runtime.bands import LEAST_PIXELS, LIGHT, BandedNetwork
from fststyle.runtime.fitting import Fitting
from fststyle.runtime.network import Network
from fststyle.runtime.tiling import TiledNetwork
from fststyle.system.memory import default_memory
from fststyle.system.ranges import in_range, shown

__all__ = ["Layout", "Opening", "Stylizer"]

# Below, a picture is painted whole without asking what it takes: no network of this kind needs 2 KB a pixel.
_ALWAYS_WHOLE = 500_000


class Opening(TypedDict, total=False):
    """How `Stylizer` opens a network, beside the device."""

    layout: Layout
    threads: int | None
    memory: int | None
    exact: bool


class Stylizer:
    """A network that is ready to paint.

    Several threads may call one stylizer at the same time, and get the same paintings as one after the other. Each
    call takes its own memory, and its own share of the CPU's threads. Processes cannot share one.

    Attributes:
        card: What the file says about itself; None for files that fststyle did not make.
        style: Its style's name, or else the file's.
        called: For the names of its paintings: the file's own name; of a network of the gallery the style's.
        device: Where the network runs: "cpu", "cuda", "directml" or "coreml".
    """

    def __init__(
        self,
        model: ModelSource | ModelFile,
        device: str = "auto",
        *,
        layout: Layout = "rgb1",
        threads: int | None = None,
        memory: int | None = None,
        exact: bool = False,
    ) -> None:
        """Open a network, ours or someone else's.

        Args:
            model: Path of an ONNX file, name of a network that ships (see `networks`), the bytes of a file, or what
                `read_model` gave.
            device: "cpu", "cuda", "directml", "coreml"; "auto" is the first of cuda, directml and cpu that works.
            layout: What a network that is not ours computes on: the order of the channels, "rgb" or "bgr", and the
                range of values, "1" (0..1), "255" (0..255) or "-1to1" (−1..1). Ours are "rgb1".
            threads: For the CPU, at most as many as cores that the process may use; None is a thread a core.
            memory: Bytes that the process may take; a picture that would need more is painted in tiles. None is half
                of what is free when the picture comes, and no less than the smallest tiles need.
            exact: Of a picture in tiles, let the instance norms see all of it rather than a sample. Takes longer. On
                the CPU only pictures that hardly fit into the memory are painted in tiles.

        Raises:
            ModelFileError: The file is missing, broken, or not a style network.
            DeviceError: The device asked for cannot be used.
            ValueError: An argument is out of its range.
        """
        if memory is not None and not in_range(memory, 1):
            raise ValueError(f"memory must be a number of bytes, at least 1, not {shown(memory)}")
        network = Network.load(model, device, layout, threads)
        self.card: ModelCard | None = network.model.card
        self.style = self.card.style if self.card is not None else Path(network.model.name).stem
        self.called = network.model.called
        self.device = network.device
        self._network = network
        self._memory = memory
        self._exact = exact
        self._tiled: TiledNetwork | None = None
        self._banded: tuple[BandedNetwork | None, ...] = ()  # empty until a picture asks for it
        self._fitting = Fitting(network)

    @classmethod
    def load(cls, path: ModelSource | ModelFile, device: str = "auto", **opening: Unpack[Opening]) -> Self:
        """The same as `Stylizer(path, device, ...)`."""
        return cls(path, device, **opening)

    @property
    def network(self) -> Network:
        """What paints."""
        return self._network

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file that the network was read from; empty if it came as bytes."""
        path = self._network.model.path
        return () if path is None else (path,)

    @property
    def takes_strength(self) -> bool:
        """Whether the network was trained with a strength input; others are cross-faded with the photo."""
        return self._network.model.takes_strength

    @property
    def grain(self) -> float:
        """The noise that it paints with where nobody asks for more or less, as in `Controls`."""
        return 0.0 if self.card is None else self.card.grain or 0.0

    @property
    def parts(self) -> "list[tuple[Stylizer, float]]":
        """Itself, as of a `Blend` its networks and their weights."""
        return [(self, 1.0)]

    @property
    def made_of(self) -> list[tuple[ModelFile, float]]:
        """Its file, as of a `Blend` its networks' files and their weights."""
        return [(self._network.model, 1.0)]

    def mixed(self, mix: Mix | None) -> Self:
        """One that paints with these of the network's styles, as `Controls` has it; None changes nothing.

        Raises:
            ValueError: The network has one style, or none of this name; or the mix has not a number for each.
        """
        if mix is None:
            return self
        model = self._network.model
        weights = weights_of(mix, model)
        other = self.through(self._network.styled(weights))
        other.style = other.called = names_of(weights, model)
        return other

    def opened(self, model: ModelFile) -> Self:
        """Another network, where and as this one was opened."""
        own = self._network
        return type(self)(
            model, own.device, layout=own.layout, threads=own.threads, memory=self._memory, exact=self._exact
        )

    def through(self, network: Network) -> Self:
        """One that paints with another form of this network, in as much memory and as exactly."""
        other = copy.copy(self)
        other._network, other._tiled, other._banded = network, None, ()
        return other

    def __call__(
        self,
        image: NDArray[np.uint8] | Picture | Image.Image,
        controls: Controls | None = None,
        **changed: Unpack[ControlValues],
    ) -> NDArray[np.uint8]:
        """Stylize a picture.

        A picture of a size that the network does not take is continued by reflection, and what is painted is cut back.
        A network for one size only gets the picture resized, whatever its aspect ratio, and its answer is resized back.

        Args:
            image: uint8 RGB of shape (H, W, 3), or a Pillow image of any mode.
            controls: Strength, brush size, passes, colors, mask and grain; None for the defaults.
            changed: Fields of `Controls` to change: `stylizer(photo, strength=0.5)`.

        Returns:
            uint8 RGB of shape (H, W, 3), the same H and W.

        Raises:
            ModelFileError: The network fails on this picture, or gives something other than a picture of its size.
            ValueError: The network does not have the styles of the mix.
        """
        controls = Controls.of(controls, changed)
        if controls.mix is not None:
            return self.mixed(controls.mix)(image, replace(controls, mix=None))
        if controls.grain is None:
            controls = replace(controls, grain=self.grain)
        rgb, told = as_rgb(image), self.takes_strength
        if any(self._network.model.input_shape[2:]):
            controls = replace(controls, passes=1)  # it sees one size, whatever it is given
        # While a later pass paints, the photo is held, too.
        held = 0 if controls.passes == 1 else rgb.nbytes
        paint = partial(self._paint, strength=controls.strength if told else 1.0, held=held)
        return controls.apply(
            rgb, lambda part: self._fitting(part, paint), fade=not told, threads=self._network.threads
        )

    def _paint(self, rgb: NDArray[np.uint8], strength: float, held: int) -> NDArray[np.uint8]:
        """Whole, or in tiles where it would not fit beside the bytes that are held."""
        height, width = rgb.shape[:2]
        network = self._network
        if held >= 3 * LEAST_PIXELS and not network.holds:
            network = network.thrifty()  # a later pass needs the memory
        small = self._memory is None and height * width <= _ALWAYS_WHOLE
        if small or any(self._network.model.input_shape[2:]):
            return network.run(rgb, strength)
        banded = self._in_bands() if height * width >= LEAST_PIXELS else None
        if banded is not None:
            room = (default_memory() if self._memory is None else self._memory) - held
            if banded.bytes_whole(height, width) <= min(room, LIGHT):
                return network.run(rgb, strength)
            if banded.fits(height, width, room):
                return banded.run(rgb, strength)
        try:
            if self._tiled is None:
                self._tiled = TiledNetwork(self._network, self._fitting.multiple)
        except ModelFileError:
            if self._memory is not None:
                raise
            return network.run(rgb, strength)
        memory = self._memory
        if memory is None:
            memory = max(default_memory(), self._tiled.least_memory(height, width) + held)
        if self._tiled.fits(height, width, memory - held):
            return network.run(rgb, strength)
        return self._tiled.run(rgb, memory, exact=self._exact, strength=strength, held=held)

    def _in_bands(self) -> BandedNetwork | None:
        """The network for large pictures, if it can be painted in bands."""
        if not self._banded:
            try:
                self._banded = (BandedNetwork(self._network, self._fitting.multiple),)
            except ModelFileError:
                self._banded = (None,)
        return self._banded[0]


def as_rgb(image: NDArray[np.uint8] | Picture | Image.Image) -> NDArray[np.uint8]:
    """Any picture as (H, W, 3), without colors that transparency hides.

    Raises:
        ValueError: It is none.
        TypeError: It is a path.
    """
    if isinstance(image, str | os.PathLike):
        raise TypeError(f"{image} is a path, not a picture; open it with read_picture, or call paint_files")
    if isinstance(image, Image.Image):
        image = to_picture(image)
    rgb = image.to_paint() if isinstance(image, Picture) else np.asarray(image)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"the picture must be uint8 of shape (height, width, 3), not {rgb.dtype} of {rgb.shape}")
    return rgb
