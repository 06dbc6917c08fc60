"""axe-core finds nothing serious on the page, in any of its states."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from web_page import Page, scene

from fststyle.errors import FststyleError
from fststyle.web.npm import Package

pytestmark = pytest.mark.browser

AXE = Package(
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def axe() -> str:
    try:
        return AXE.files(["axe.min.js"])["axe.min.js"].decode()
    except FststyleError as error:
        pytest.skip(str(error))


def serious(page: Page, axe: str) -> list[Any]:
    page.tab.wait_for_timeout(400)  # what fades in has its contrast only then
    page.tab.evaluate(axe)
    found = page.tab.evaluate("async () => (await window.axe.run()).violations")
    return [
        (fault["id"], [node["html"] for node in fault["nodes"]])
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_serious(
    new_page: Callable[..., Page], address: str, axe: str, scheme: str, viewport: dict[str, int], tmp_path: Path
) -> None:
    page = new_page(color_scheme=scheme, viewport=viewport)
    page.open(address)
    assert serious(page, axe) == []
    Image.fromarray(scene(90, 120)).save(tmp_path / "photo.png")
    page.bring(tmp_path / "photo.png")
    assert serious(page, axe) == []
    page.own_style(tmp_path / "photo.png")
    assert page.tab.is_visible("#style-download")
    assert serious(page, axe) == []
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    page.tab.set_input_files("#file", str(tmp_path / "broken.jpg"))
    page.said("photo-broken")
    assert serious(page, axe) == []
    page.tab.click("#about-open")
    assert serious(page, axe) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, {"width": 320, "height": 640}], ids=["desktop", "phone", "small"])
def test_nothing_is_wider_than_the_screen(
    new_page: Callable[..., Page], address: str, viewport: dict[str, int], tmp_path: Path
) -> None:
    page = new_page(viewport=viewport, locale="de")
    page.open(address)
    Image.fromarray(scene(90, 120)).save(tmp_path / "photo.png")
    page.bring(tmp_path / "photo.png")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    painting = (tmp_path / "photo.png").rename(tmp_path / f"{'gemälde' * 20}.png")
    page.own_style(painting)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
