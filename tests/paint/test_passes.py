"""Painting coarse to fine: sizes, what is kept of the coarse painting, seams, tiles, memory."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle.errors import ModelFileError
from fststyle.paint import step
from fststyle.paint.blend import Blend
from fststyle.paint.controls import Controls
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.passes import Passes, paint_in_passes, parse_passes, sizes_of_passes
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize, write_picture
from fststyle.runtime.tiling import TiledNetwork

Pixels = NDArray[np.uint8]
MODELS = Path(__file__).parents[2] / "models"

RNG = np.random.default_rng(0)
HELD = Steadiness(follow=0.0, carry=0.0, cuts=False)
SIZES = [(48, 64), (192, 256)]


def inverted(rgb: Pixels) -> Pixels:
    return 255 - rgb


def posterized(rgb: Pixels) -> Pixels:
    return ((rgb > 120) * 255).astype(np.uint8)


def untouched(rgb: Pixels) -> Pixels:
    return rgb


def smooth(height: int, width: int) -> Pixels:
    """Shapes with edges that are sharp at any size."""
    y, x = np.mgrid[:height, :width] / height
    planes = [np.sin(9 * x + 5 * y) > 0, np.hypot(x - 0.6, y - 0.5) < 0.3, np.cos(14 * y * x) > 0]
    return (np.stack(planes, -1) * 120 + 60).astype(np.uint8)


@pytest.mark.parametrize(
    ("sides", "asked", "scale", "sizes"),
    [
        ((480, 640), "auto", 1, [(480, 640)]),
        ((960, 1280), "auto", 1, [(960, 1280)]),  # the first of two would be too large beside the second
        ((1080, 1920), "auto", 1, [(480, 853), (1080, 1920)]),
        ((2160, 3840), "auto", 1, [(512, 910), (2160, 3840)]),
        ((2160, 3840), "auto", 0.5, [(960, 1707), (2160, 3840)]),
        ((2160, 3840), "auto", 0.2, [(2560, 4551)]),
        ((3072, 4096), "auto", 1, [(512, 683), (1254, 1672), (3072, 4096)]),
        ((480, 640), "auto", 2.5, [(192, 256), (480, 640)]),
        ((480, 640), "auto", 1.5, [(320, 427)]),
        ((480, 640), 2, 1, [(240, 320), (480, 640)]),
        ((480, 640), 3, 1, [(120, 160), (240, 320), (480, 640)]),
        ((480, 640), 2, 0.4, [(600, 800)]),
        ((2160, 3840), 1, 1, [(2160, 3840)]),
        ((2160, 3840), 1, 2, [(1080, 1920)]),
        ((3, 5000), "auto", 10, [(1, 500), (1, 1581), (3, 5000)]),
    ],
)
def test_sizes(sides: tuple[int, int], asked: Passes, scale: float, sizes: list[tuple[int, int]]) -> None:
    assert sizes_of_passes(*sides, asked, scale) == sizes


@pytest.mark.parametrize("side", range(1024, 9000, 497))
def test_all_earlier_passes_together_paint_few_pixels(side: int) -> None:
    *earlier, (height, width) = sizes_of_passes(side, 2 * side, "auto", 1)
    assert 0 < sum(tall * wide for tall, wide in earlier) / (height * width) <= 0.23


def test_the_number_is_read() -> None:
    assert [parse_passes(text) for text in ("auto", "1", "2", "3")] == ["auto", 1, 2, 3]
    for wrong in ("0", "4", "two", ""):
        with pytest.raises(ValueError, match=r"auto, 1, 2, 3"):
            parse_passes(wrong)
    with pytest.raises(ValueError, match=r"passes must be one of auto, 1, 2, 3, not 4"):
        Controls(passes=4)  # type: ignore[arg-type]


def test_reduced_again_it_is_the_coarse_painting() -> None:
    """However the later pass differs from it."""
    y, x = np.mgrid[:192, :256]
    rgb = np.repeat((100 + 60 * np.sin(x / 40) * np.cos(y / 30))[:, :, None], 3, 2).astype(np.uint8)
    made: list[Pixels] = []

    def paint(part: Pixels) -> Pixels:
        noise = RNG.normal(0, 8, (*part.shape[:2], 1)) if made else 0
        made.append(np.clip(part + noise + 40 * len(made), 0, 255).astype(np.uint8))
        return made[-1]

    painted = paint_in_passes(rgb, paint, SIZES, untouched)
    again = resize(painted, *SIZES[0]).astype(float)
    assert np.abs(again - made[0]).mean() < 1
    assert np.abs(resize(made[1], *SIZES[0]) - again).mean() > 35


def test_edges_of_the_photo_stay_sharp_under_a_broad_brush() -> None:
    rgb = smooth(192, 256)[:, :, :1].repeat(3, axis=2)
    enlarged = resize(posterized(resize(rgb, *SIZES[0])), 192, 256)
    painted = Controls(scale=4).apply(rgb, posterized)
    errors = [np.square(posterized(rgb) - made.astype(float)).mean() for made in (painted, enlarged)]
    assert errors[0] < 0.5 * errors[1]


def test_fine_contrast_does_not_exceed_what_the_coarse_painting_promises() -> None:
    """A network whose coarse painting is smooth, and that paints noise at full size."""
    y, x = np.mgrid[:192, :256]
    rgb = np.repeat((100 + 60 * np.sin(x / 40) * np.cos(y / 30))[:, :, None], 3, 2).astype(np.uint8)

    def paint(part: Pixels) -> Pixels:
        noise = RNG.normal(0, 40, (*part.shape[:2], 1)) if part.shape[0] == 192 else 0
        return np.clip(part + noise, 0, 255).astype(np.uint8)

    painted = paint_in_passes(rgb, paint, SIZES, untouched)
    assert np.abs(painted.astype(float) - rgb).std() < 4
    assert (paint_in_passes(np.full_like(rgb, 90), untouched, SIZES, untouched) == 90).all()


def test_bands_have_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = RNG.integers(0, 256, (192, 256, 3), np.uint8)
    whole = paint_in_passes(rgb, inverted, SIZES, untouched)
    monkeypatch.setattr(step, "_BAND_PIXELS", 700)
    for threads in (1, 3):
        np.testing.assert_array_equal(paint_in_passes(rgb, inverted, SIZES, untouched, threads), whole)


def test_the_photo_is_prepared_once_and_stays_as_it_is() -> None:
    rgb = smooth(192, 256)
    before, prepared = rgb.copy(), []

    def prepare(part: Pixels) -> Pixels:
        prepared.append(part.shape)
        return part

    paint_in_passes(rgb, untouched, SIZES, prepare)
    assert prepared == [(48, 64, 3)]
    np.testing.assert_array_equal(rgb, before)


def test_arithmetic_is_small_beside_the_pictures() -> None:
    rgb = np.zeros((1500, 2000, 3), np.uint8)
    rgb[::7] = 200
    sizes = [(400, 533), (1500, 2000)]
    tracemalloc.start()
    try:
        paint_in_passes(rgb, inverted, sizes, untouched)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What the network sees and paints are two pictures; the rest is a band, in floats, and the coarse picture.
    assert peak < 2 * rgb.nbytes + 40 * 1_000_000


@pytest.fixture
def style() -> Path:
    return MODELS / "starry_night_tiny.onnx"


@pytest.fixture
def large() -> Pixels:
    rng = np.random.default_rng(3)
    blotches = resize(rng.integers(0, 256, (20, 30, 3), np.uint8), 320, 480)
    return np.clip(blotches + rng.normal(0, 6, blotches.shape), 0, 255).astype(np.uint8)


def test_one_pass_is_what_the_network_gives(style: Path, large: Pixels) -> None:
    stylizer = Stylizer(style, "cpu", threads=1)
    np.testing.assert_array_equal(stylizer(large, passes=1), stylizer.network.run(large))
    np.testing.assert_array_equal(stylizer(large), stylizer.network.run(large))  # it is small
    half = resize(large, 160, 240)
    np.testing.assert_array_equal(stylizer(large, passes=1, scale=2), resize(stylizer.network.run(half), 320, 480))


def test_tiles_give_what_the_whole_gives(style: Path, large: Pixels) -> None:
    whole = Stylizer(style, "cpu", threads=1)
    least = Stylizer(style, "cpu", threads=1, memory=100_000_000)
    with pytest.raises(ModelFileError, match=r"need at least .* not 0.1"):
        least(large, passes=2)
    network = TiledNetwork(whole.network)
    memory = network.least_memory(*large.shape[:2]) + large.nbytes
    assert not network.fits(*large.shape[:2], memory)
    tiled = Stylizer(style, "cpu", threads=1, memory=memory, exact=True)
    expected = whole(large, passes=2).astype(float)
    found = tiled(large, passes=2).astype(float)
    assert 10 * np.log10(255**2 / np.square(found - expected).mean()) > 45


def test_the_command_paints_the_same(
    style: Path, large: Pixels, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    write_picture(tmp_path / "a.png", large)
    done = run_python(
        *("-m", "fststyle", "stylize", style, "a.png", "-o", "b.png"),
        *("--passes", "3", "--keep-color", "--strength", "0.7", "--threads", "1"),
    )
    assert done.returncode == 0, done.stderr.decode()
    painted = Stylizer(style, threads=1)(large, passes=3, keep_color=True, strength=0.7)
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png").rgb, painted)
    wrong = run_python("-m", "fststyle", "stylize", style, "a.png", "--passes", "4")
    assert (wrong.returncode, wrong.stderr.count(b"\n")) == (1, 1)
    assert b"passes must be one of auto, 1, 2, 3, not '4'" in wrong.stderr


def test_a_blend_of_one_network_is_that_network(style: Path, large: Pixels) -> None:
    stylizer = Stylizer(style, "cpu", threads=1)
    blend = Blend([stylizer, stylizer], [1, 1])
    np.testing.assert_array_equal(blend(large, passes=2), stylizer(large, passes=2))


def test_every_pass_of_a_clip_has_statistics_of_its_own(style: Path, large: Pixels) -> None:
    stylizer = Stylizer(style, "cpu", threads=1)
    painter = FrameStylizer(stylizer, HELD, Controls(passes=2))
    first = painter(large)
    np.testing.assert_array_equal(painter(large), first)
    dim = (large // 2).astype(np.uint8)
    after = painter(dim)
    other = FrameStylizer(stylizer, HELD, Controls(passes=2))
    other.restore(painter.state())
    np.testing.assert_array_equal(other(dim), after)
    assert (FrameStylizer(stylizer, Steadiness(carry=0.0, cuts=False), Controls(passes=2))(dim) != after).any()


def test_gray_and_flat_pictures_pass() -> None:
    for value in (0, 255):
        flat = np.full((192, 256, 3), value, np.uint8)
        np.testing.assert_array_equal(paint_in_passes(flat, untouched, SIZES, untouched), flat)
    line = np.asarray(Image.linear_gradient("L").resize((2000, 1))).reshape(1, 2000, 1).repeat(3, 2)
    assert Controls(scale=10).apply(line, untouched).shape == line.shape
