from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from fststyle import Stylizer
from fststyle.paint import shared
from fststyle.paint.controls import Controls
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.pictures.files import read_picture, resize
from fststyle.runtime.network import Network
from fststyle.samples import photo_folder

Pixels = NDArray[np.uint8]
PHOTO = photo_folder() / "coffee.jpg"
MODELS = Path(__file__).parents[2] / "models"
OWN = Steadiness(carry=0, measure_every=1)


def sharing(most: int = 24) -> Steadiness:
    return Steadiness(carry=0, measure_every=most)


@pytest.fixture(autouse=True)
def small_frames_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_LEAST_PIXELS", 0)
    monkeypatch.setattr(shared, "_LEAST_BYTES", 0)


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.load(MODELS / "udnie_tiny.onnx", "cpu", threads=1)


@pytest.fixture(scope="module")
def clip() -> list[Pixels]:
    """A slow pan."""
    rgb = resize(read_picture(PHOTO).rgb, 200, 300)
    return [np.ascontiguousarray(rgb[50:146, 80 + step : 208 + step]) for step in range(10)]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The sizes of the frames that were measured."""
    found: list[tuple[int, ...]] = []
    put = shared.Stretch.put

    def noted(self: shared.Stretch, size: tuple[int, int], statistics: Any) -> None:
        found.append(size)
        put(self, size, statistics)

    monkeypatch.setattr(shared.Stretch, "put", noted)
    return found


def painted(stylizer: Stylizer, steadiness: Steadiness, frames: list[Pixels], **controls: Any) -> list[Pixels]:
    function = FrameStylizer(stylizer, steadiness, Controls(**({"passes": 1} | controls)))
    return [function(frame) for frame in frames]


def levels(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def test_frames_after_a_measured_one_are_painted_with_its_statistics(
    stylizer: Stylizer, clip: list[Pixels], measured: list[Any]
) -> None:
    own, found = (painted(stylizer, steadiness, clip) for steadiness in (OWN, sharing()))
    assert measured == [(96, 128)]
    assert levels(found[0], own[0]) < 0.01
    assert 0.01 < max(map(levels, found, own)) < 6
    still = painted(stylizer, sharing(), [clip[0]] * 3)
    assert np.abs(still[2].astype(int) - own[0]).max() <= 1


def test_at_most_so_many_frames_share(stylizer: Stylizer, clip: list[Pixels], measured: list[Any]) -> None:
    painted(stylizer, sharing(4), clip)
    assert len(measured) == 3  # frames 0, 4 and 8


def test_another_light_is_measured(stylizer: Stylizer, clip: list[Pixels], measured: list[Any]) -> None:
    dim = [(frame * 0.5).astype(np.uint8) for frame in clip]
    frames = [*clip[:3], *dim[3:6]]
    found, own = (painted(stylizer, steadiness, frames) for steadiness in (sharing(), OWN))
    assert (found[3] == own[3]).all()  # the change itself, by itself
    assert levels(found[4], own[4]) < 0.01  # then measured
    assert len(measured) == 2


def test_in_a_fade_each_frame_is_painted_by_itself(stylizer: Stylizer, clip: list[Pixels], measured: list[Any]) -> None:
    fading = [(clip[0] * 0.9**step).astype(np.uint8) for step in range(8)]
    found, own = (painted(stylizer, steadiness, fading) for steadiness in (sharing(), OWN))
    assert all((one == other).all() for one, other in zip(found[1:], own[1:], strict=True))
    assert len(measured) == 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_frame_of_one_color_is_painted_by_itself(stylizer: Stylizer, level: int, measured: list[Any]) -> None:
    flat = np.full((96, 128, 3), level, np.uint8)
    faint = flat.copy()
    faint[::7, ::9] ^= 1
    found, own = (painted(stylizer, steadiness, [flat, faint, faint]) for steadiness in (sharing(), OWN))
    assert all((one == other).all() for one, other in zip(found, own, strict=True))
    assert not measured


def test_another_detail_is_measured(stylizer: Stylizer, clip: list[Pixels], measured: list[Any]) -> None:
    soft = np.asarray(Image.fromarray(clip[0]).filter(ImageFilter.GaussianBlur(0.8)))
    found, own = (painted(stylizer, steadiness, [soft, *[clip[0]] * 3]) for steadiness in (sharing(), OWN))
    assert (found[1] == own[1]).all()
    assert levels(found[3], own[3]) < 0.01
    assert len(measured) == 2


@pytest.mark.parametrize("sides", [(1, 1), (1, 50), (50, 1), (2, 3), (127, 129), (129, 131)])
def test_frames_of_any_sides_are_looked_at(stylizer: Stylizer, sides: tuple[int, int]) -> None:
    network = shared.share(stylizer.network, 2)
    assert network is not None
    frame = np.random.default_rng(0).integers(0, 256, (*sides, 3), np.uint8)
    places = [network.place(frame) for _ in range(2)]
    assert [place.begins for place in places] == ([False, False] if sides == (1, 1) else [True, False])


def test_small_frames_open_no_sessions(
    stylizer: Stylizer, clip: list[Pixels], measured: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_LEAST_PIXELS", 96 * 128 + 1)
    found, own = (painted(stylizer, steadiness, clip[:3]) for steadiness in (sharing(), OWN))
    assert all((one == other).all() for one, other in zip(found, own, strict=True))
    assert not measured


def test_two_at_a_time_give_what_one_by_one_gives(stylizer: Stylizer, clip: list[Pixels]) -> None:
    one = painted(stylizer, sharing(3), clip)
    function = FrameStylizer(stylizer, sharing(3))
    with ThreadPoolExecutor(2) as pool:
        several = [work.result() for work in [pool.submit(function.begun(frame)) for frame in clip]]
    assert all((first == second).all() for first, second in zip(one, several, strict=True))


def test_groups_are_painted_alike_wherever(stylizer: Stylizer, clip: list[Pixels]) -> None:
    function = FrameStylizer(stylizer, sharing(4))
    whole = []
    for number, frame in enumerate(clip):
        if number % 5 == 0:
            function.afresh()
        whole.append(function(frame))
    later = painted(stylizer, sharing(4), clip[5:])
    assert all((first == second).all() for first, second in zip(whole[5:], later, strict=True))


def test_passes_share_at_each_size(stylizer: Stylizer, clip: list[Pixels], measured: list[Any]) -> None:
    found, own = (painted(stylizer, steadiness, clip[:3], passes=2) for steadiness in (sharing(), OWN))
    assert len(set(measured)) == len(measured) == 2
    assert max(map(levels, found, own)) < 6


def test_an_error_in_the_measured_frame_keeps_nobody_waiting(
    stylizer: Stylizer, clip: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = FrameStylizer(stylizer, sharing())
    first, second = (function.begun(frame) for frame in clip[:2])
    ask = Network.ask

    def failing(self: Network, *arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(Network, "ask", ask)
        raise MemoryError

    monkeypatch.setattr(Network, "ask", failing)
    with pytest.raises(MemoryError):
        first()
    assert (second() == stylizer(clip[1], passes=1)).all()


def test_a_network_whose_norms_stay_measures_every_frame(stylizer: Stylizer) -> None:
    assert shared.share(stylizer.network, 1) is None
    assert shared.share(stylizer.network, 2) is not None


@pytest.mark.parametrize("most", [0, -3, 1.5, "many"])
def test_a_number_of_frames(most: Any) -> None:
    with pytest.raises(ValueError, match=f"measure_every must be a whole number from 1, not {most!r}"):
        Steadiness(measure_every=most)


def test_a_small_network_in_floats_gains_nothing(stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert shared.share(stylizer.network, 12) is None
    assert shared.share(Stylizer.load(MODELS / "udnie.onnx", "cpu", threads=1).network, 12) is not None
