"""What the page paints is what `fststyle stylize` paints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from web_page import Page, scene

from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture

pytestmark = pytest.mark.browser

Pixels = NDArray[np.uint8]
FLOATS = ["udnie_tiny", "starry_night", "great_wave"]
LEAST_PSNR = 40.0  # of an int8 network against itself elsewhere: 8 bits are rounded in another order


def natively(network: Path, photo: Path, **controls: Any) -> Pixels:
    picture = read_picture(photo)
    painted = Stylizer(network, "cpu", exact=True)(picture, **controls)
    result = picture.painted(painted)
    return result.rgb if result.alpha is None else np.dstack([result.rgb, result.alpha])


def pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path))


def most_apart(one: Pixels, other: Pixels) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


def psnr(one: Pixels, other: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("size", [(241, 319), (97, 161)])
def test_floats_are_within_one_level(
    page: Page, networks: dict[str, Path], name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(*size)).save(photo)
    page.bring(photo)
    if name != FLOATS[0]:
        page.choose(name)
    assert most_apart(pixels(page.save()), natively(networks[name], photo)) <= 1
    assert page.errors == []


def test_int8_is_as_near_as_rounding_allows(page: Page, networks: dict[str, Path], tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(333, 407)).save(photo)
    page.bring(photo)
    page.choose("starry_int8")
    assert psnr(pixels(page.save()), natively(networks["starry_int8"], photo)) >= LEAST_PSNR


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 3), (19, 20)])
def test_photos_smaller_than_the_network_takes(
    page: Page, networks: dict[str, Path], size: tuple[int, int], tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(40, 40)[: size[0], : size[1]]).save(photo)
    page.bring(photo)
    assert most_apart(pixels(page.save()), natively(networks["udnie_tiny"], photo)) <= 1


@pytest.mark.parametrize(
    ("strength", "brush", "keep_color"),
    [("50", "0", False), ("100", "2", False), ("100", "-2", True), ("0", "0", False)],
)
def test_controls(
    page: Page, networks: dict[str, Path], strength: str, brush: str, keep_color: bool, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(150, 201)).save(photo)
    page.tab.evaluate("([s, b]) => { strength.value = s; brush.value = b }", [strength, brush])
    page.tab.evaluate("keep => { document.getElementById('keep-color').checked = keep }", keep_color)
    page.bring(photo)
    controls = {"strength": int(strength) / 100, "scale": 2 ** (int(brush) / 2), "keep_color": keep_color}
    painted, native = pixels(page.save()), natively(networks["udnie_tiny"], photo, **controls)
    # In two passes, the second paints what the first has rounded to the level above or below.
    assert most_apart(painted, native) <= (2 if controls["scale"] >= 2 else 1)
    assert np.mean(np.abs(painted.astype(int) - native) > 1) < 1e-4


def test_transparent_photos_keep_their_transparency(page: Page, networks: dict[str, Path], tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    rgb = scene(120, 170)
    alpha = np.clip(np.hypot(*(np.mgrid[:120, :170] - 60)) * 4 - 90, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([rgb, alpha])).save(photo)
    page.bring(photo)
    assert most_apart(pixels(page.save()), natively(networks["udnie_tiny"], photo)) <= 1


@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_photos_that_a_camera_turned_come_out_upright(
    page: Page, networks: dict[str, Path], orientation: int, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(scene(120, 200)).save(photo, quality=95, subsampling=0, exif=exif)
    page.bring(photo)
    painted = pixels(page.save())
    # A JPEG is decoded by two programs, whose colors differ by one level here and there.
    assert psnr(painted, natively(networks["udnie_tiny"], photo)) >= 45


@pytest.mark.parametrize(("name", "kind"), [("udnie_tiny", "image/png"), ("starry_night", "image/png")])
def test_twelve_megapixels(
    new_page: Callable[..., Page], address: str, networks: dict[str, Path], name: str, kind: str, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(3000, 4001)).save(photo, compress_level=1)
    page = new_page()
    page.open(f"{address}#{name}")
    page.bring(photo)
    before = page.tab.evaluate("window.paintings")
    page.tab.select_option("#passes", "1")
    page.painted_since(before)
    painted = pixels(page.save(kind))
    assert most_apart(painted, natively(networks[name], photo, passes=1)) <= 1
    assert page.errors == []


@pytest.mark.parametrize(("name", "size"), [("udnie_tiny", (1090, 1450)), ("great_wave", (1100, 1201))])
def test_large_photos_are_painted_in_passes(
    page: Page, networks: dict[str, Path], name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(*size)).save(photo, compress_level=1)
    page.bring(photo)
    if name != FLOATS[0]:
        page.choose(name)
    painted = pixels(page.save())
    # The second pass paints what the first has rounded.
    assert psnr(painted, natively(networks[name], photo)) >= LEAST_PSNR
    assert psnr(painted, natively(networks[name], photo, passes=1)) < 30
