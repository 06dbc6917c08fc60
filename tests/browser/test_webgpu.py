"""WebGPU, on a software adapter where there is no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from web_page import PATIENCE, Page, scene

from fststyle import new_style, samples
from fststyle.paint.stylizer import Stylizer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def gpu(launch: Callable[..., Any]) -> Any:
    return launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")


def painted(page: Page, size: str | None = None) -> Any:
    return np.asarray(Image.open(page.save(size=size))).astype(int)


def bring_photo(page: Page, folder: Path) -> NDArray[np.uint8]:
    """Bring a photo to the page, where there is WebGPU."""
    if not page.tab.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
        pytest.skip("this browser has no WebGPU adapter")
    rgb = scene(300, 420)
    Image.fromarray(rgb).save(folder / "photo.png")
    page.bring(folder / "photo.png")
    return rgb


def test_floats_run_on_webgpu_and_int8_does_not(
    new_page: Callable[..., Page], gpu: Any, address: str, networks: dict[str, Path], tmp_path: Path
) -> None:
    page = new_page(gpu)
    page.open(address)
    rgb = bring_photo(page, tmp_path)
    assert "WebGPU" in page.tab.text_content("#notes")
    assert np.abs(painted(page) - Stylizer(networks["udnie_tiny"], "cpu")(rgb)).max() <= 1
    page.choose("starry_int8")
    native = Stylizer(networks["starry_int8"], "cpu")(rgb)
    assert np.mean((painted(page) - native.astype(float)) ** 2) < 20
    assert page.errors == []


@pytest.mark.slow
def test_a_style_of_ones_own_on_webgpu(new_page: Callable[..., Page], gpu: Any, address: str, tmp_path: Path) -> None:
    page = new_page(gpu)
    page.open(address)
    rgb = bring_photo(page, tmp_path)
    name = page.own_style(samples.style("woodcut"))
    page.tab.wait_for_selector(f"#frame[data-painted^='{name} ']", timeout=PATIENCE)
    expected = new_style(samples.style("woodcut"), device="cpu")(rgb)
    assert np.mean((painted(page) - expected.astype(float)) ** 2) < 6.5  # a PSNR of 40 dB
    assert page.errors == []


@pytest.mark.slow
def test_tiles_on_webgpu(
    new_page: Callable[..., Page], gpu: Any, address: str, networks: dict[str, Path], tmp_path: Path
) -> None:
    page = new_page(gpu)
    page.open(f"{address}?memory=220")
    rgb = bring_photo(page, tmp_path)
    assert np.abs(painted(page) - Stylizer(networks["udnie_tiny"], "cpu")(rgb)).max() <= 1
