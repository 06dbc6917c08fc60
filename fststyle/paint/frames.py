"""The frames of a video through a network, one after the other, so that the paint stands still where the scene does.

What moves takes a share of its paint along (`carry.py`). A network's instance norms, too, measure every frame anew:
when something bright enters at one side, the paint changes brightness and hue at the other; on request they are given
statistics that follow the frames slowly. Both start afresh where the scene is cut.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.model.card import ModelCard
from fststyle.model.devices import choose_device
from fststyle.paint.blend import Blend
from fststyle.paint.controls import Controls, ControlValues
from fststyle.paint.cuts import CutFinder
from fststyle.paint.held import hold
from fststyle.paint.morph import Morph
from fststyle.paint.shared import Place, share
from fststyle.paint.stylizer import Stylizer, as_rgb
from fststyle.pictures.picture import Picture
from fststyle.system.cores import threads_for_cores, usable_cores
from fststyle.system.extras import extra
from fststyle.system.ranges import in_range, is_whole, shown

if TYPE_CHECKING:
    from fststyle.paint.carry import Carrier

Pixels = NDArray[np.uint8]

# Shares of old paint, behind any network and behind one that is steady by itself: more costs more style than is gained.
# A `tiny` network has too few weights for strokes and steadiness: with the larger share it gives more of both.
_CARRY, _CARRY_OF_STEADY = 0.4, 0.2


@dataclass(frozen=True)
class Steadiness:
    """How flicker is reduced in a clip.

    Attributes:
        follow: Share of a frame's own instance-norm statistics that goes into the held ones, 0..1. 0 holds those of the
            first frame until the next cut. 1 uses every frame's own. Frames that are painted in tiles use their own.
        carry: Share of the old paint that is moved along by optical flow, 0..1. None is 0.2 for a network that was
            trained for steadiness, and 0.4 for others and for `tiny`. 0 carries nothing, and needs no OpenCV.
        cuts: Start afresh at cuts of the scene.
        measure_every: With follow=1 on the CPU, so many frames in a row are painted with the statistics of the first of
            them, as long as brightness, contrast and detail hardly change (`shared.py`). 1 measures every frame.
    """

    follow: float = 1.0
    carry: float | None = None
    cuts: bool = True
    measure_every: int = 12

    def __post_init__(self) -> None:
        for name, part in (("follow", self.follow), ("carry", self.carry)):
            if part is not None and not in_range(part, 0, 1):
                raise ValueError(f"{name} must lie in 0..1, not {shown(part)}")
        if not is_whole(self.measure_every, 1):
            raise ValueError(f"measure_every must be a whole number from 1, not {shown(self.measure_every)}")

    def carried(self, *cards: ModelCard | None) -> float:
        """The share of paint that is carried along behind the network of this card, or a mixture of several."""
        if self.carry is not None:
            return self.carry
        return _CARRY_OF_STEADY if all(map(_is_steady, cards)) else _CARRY


def _is_steady(card: ModelCard | None) -> bool:
    """Whether a network flickers little by itself."""
    return card is not None and card.network != "tiny" and card.recipe.get("temporal_weight", 0.0) > 0


# Frames are painted once by default: several passes take a tenth to one and a half more time at 1080p, and not every
# network stays as steady in them.
ONE_PASS = Controls(passes=1)


class FrameStylizer:
    """Paints the frames of one clip in their order.

    Attributes:
        steadiness: How flicker is reduced.
        controls: The same for every frame. Color, strength and mask come after the paint was carried: where the mask
            is black, a frame is left as it is.
        at_once: How many frames may be between `begun` and `after`; 1 where each has to wait for the one before.
    """

    def __init__(
        self,
        stylizer: Stylizer | Blend,
        steadiness: Steadiness | None = None,
        controls: Controls | None = None,
        morph: Morph | None = None,
        at_once: int = 1,
    ) -> None:
        """Get ready; None stands for the defaults.

        Args:
            stylizer: The network, or several.
            steadiness: How flicker is reduced.
            controls: The same for every frame.
            morph: Changes the mix from frame to frame, by the times that `at` is told.
            at_once: How many frames to paint at the same time, if the function that is given the frames can.

        Raises:
            FststyleError: Paint is to be carried, and OpenCV is not installed.
            ValueError: Statistics are to be held for paintings that are mixed; or the network has not these styles.
        """
        self.steadiness = steadiness or Steadiness()
        self.controls = controls or ONE_PASS
        self._fade = not stylizer.takes_strength
        strength = 1.0 if self._fade else self.controls.strength
        grain = self.controls.grain or 0.0  # what a network asks for is for single pictures
        self._brush = replace(self.controls, strength=strength, keep_color=False, mask=None, mix=None, grain=grain)
        (first, _), *others = stylizer.parts
        if others and self.steadiness.follow < 1:
            raise ValueError(
                f"follow={self.steadiness.follow:g} is for one network, or several that share a body (`fststyle info` "
                "tells); leave it out"
            )
        self._held = None if others else hold(first.network, self.steadiness.follow)
        plain = not others and self._held is None and morph is None and self.controls.mix is None
        self._shared = share(first.network, self.steadiness.measure_every) if plain else None
        other = self._held or self._shared
        self._stylizer = (stylizer if other is None else first.through(other)).mixed(self.controls.mix)
        self._morph = morph
        if morph is not None:
            if self.controls.mix is not None:
                raise ValueError("a morph says which styles are mixed and when; leave the mix out")
            if self.steadiness.follow == 0:
                raise ValueError("follow=0 would hold the statistics of the first style; say 0.1, or leave it out")
            stylizer.mixed(dict.fromkeys(morph.names, 1.0))
        self.at_once = at_once if self.paints_alone else 1
        self._length: float | None = None
        self._cuts = CutFinder()
        self._carrier = _carry(self.steadiness.carried(*(part.card for part, _ in stylizer.parts)))

    def __call__(self, rgb: Pixels) -> Pixels:
        """Paint the next frame, (H, W, 3)."""
        seen = self._seen(rgb)
        self._forget_before_a_cut(seen)
        return self._finished(rgb, seen, self.alone(rgb))

    def lasts(self, seconds: float | None) -> None:
        """Hear when the last frame of the clip is shown, before the first one; None if nobody knows.

        Raises:
            ValueError: Styles are to be spread over the clip, and nobody knows.
        """
        self._length = seconds
        self.at(Fraction(0))

    def at(self, seconds: Fraction) -> None:
        """Hear when the next frame is shown."""
        if self._morph is not None:
            self._stylizer = self._stylizer.mixed(self._morph.at(float(seconds), self._length))

    @property
    def paints_alone(self) -> bool:
        """Whether the network paints each group of frames by itself, so that `alone` needs none before the group."""
        return self._held is None

    def alone(self, rgb: Pixels) -> Pixels:
        """What the network makes of a frame; the longest part of painting it."""
        return self.begun(rgb)()

    def begun(self, rgb: Pixels) -> Callable[[], Pixels]:
        """As `alone`, for any thread, whatever `at` is told meanwhile.

        It is called in the order of the frames, and what it gives, in this order, too.
        """
        if self.controls.strength == 0:
            return partial(np.copy, rgb)
        if self._shared is None:
            return partial(self._stylizer, rgb, self._brush)
        return partial(self._painted, rgb, self._shared.place(rgb))

    def _painted(self, rgb: Pixels, place: Place) -> Pixels:
        with place.entered():
            return self._stylizer(rgb, self._brush)

    def afresh(self) -> None:
        """Hear that the next frame begins a group, which may be painted elsewhere than those before."""
        if self._shared is not None:
            self._shared.afresh()

    def after(self, rgb: Pixels, painted: Pixels) -> Pixels:
        """The next frame, of which `alone` made `painted`, perhaps in another process; only if `paints_alone`."""
        seen = self._seen(rgb)
        self._forget_before_a_cut(seen)
        return self._finished(rgb, seen, painted)

    def _seen(self, rgb: Pixels) -> Pixels:
        """The frame as cuts and motion are looked for in it: small, if motion is looked for at all."""
        return rgb if self._carrier is None else self._carrier.look(rgb)

    def _forget_before_a_cut(self, seen: Pixels) -> None:
        if self._cuts(seen) and self.steadiness.cuts:
            if self._held is not None:
                self._held.forget()
            if self._carrier is not None:
                self._carrier.forget()

    def _finished(self, rgb: Pixels, seen: Pixels, painted: Pixels) -> Pixels:
        if self.controls.strength == 0:
            return rgb.copy()
        if self._carrier is not None:
            painted = self._carrier(seen, painted)
        return self.controls.lay_over(rgb, painted, fade=self._fade)

    def state(self) -> dict[str, NDArray[Any]]:
        """What is remembered of earlier frames; `restore` takes it back."""
        state = self._cuts.state()
        if self._held is not None:
            state |= self._held.state()
        return state if self._carrier is None else state | self._carrier.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as if the frames before had been painted here."""
        self._cuts.restore(state)
        if self._held is not None:
            self._held.restore(state)
        if self._carrier is not None:
            self._carrier.restore(state)


def share_threads(device: str, threads: int | None, steadiness: Steadiness) -> tuple[int, int | None]:
    """How many frames to paint at the same time, and on how many threads each.

    Two frames on half of the threads each take less time than one after the other on all of them: what a network does
    on one thread, and what is done to frames before and after it, keeps no core waiting.

    Args:
        device: As for `Stylizer`.
        threads: Of both; None is a thread a core.
        steadiness: Statistics that are held need one frame after the other.

    Raises:
        DeviceError: The device cannot be used.
        ValueError: No such device.
    """
    cores = threads_for_cores(threads) or usable_cores()
    if cores == 1 or steadiness.follow < 1 or choose_device(device) != "cpu":
        return 1, threads
    return 2, cores // 2


def _carry(share: float) -> "Carrier | None":
    if not share:
        return None
    with extra("video"):
        from fststyle.paint.carry import Carrier
    return Carrier(share)


def stylize_frames(
    stylizer: Stylizer | Blend,
    frames: Iterable[Pixels | Picture | Image.Image],
    controls: Controls | None = None,
    *,
    steadiness: Steadiness | None = None,
    **changed: Unpack[ControlValues],
) -> Iterator[Pixels]:
    """Paint the frames of a clip one after the other. Only one or two frames are held at a time.

    Several clips may be painted at the same time with one stylizer, each in a thread of its own. The frames of one clip
    may not: what is returned remembers the frames before.

    Args:
        stylizer: The network, or several.
        frames: In their order: uint8 RGB of shape (H, W, 3), or Pillow images.
        controls: The same for every frame; None for the defaults, in one pass. A mask is fitted to the frames.
        steadiness: How flicker is reduced; None for the defaults.
        changed: Fields of `Controls` to change, as for `Stylizer`.

    Yields:
        uint8 RGB of the frame's own size.

    Raises:
        ValueError: A control is out of its range.
        TypeError: The network is not open.
    """
    if not isinstance(stylizer, Stylizer | Blend):
        raise TypeError(f"what paints must be a Stylizer(...) or a Blend, not {shown(stylizer)}")
    function = FrameStylizer(stylizer, steadiness, Controls.of(controls or ONE_PASS, changed))
    return (function(as_rgb(frame)) for frame in frames)
