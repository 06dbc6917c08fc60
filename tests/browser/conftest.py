"""A site of three networks in Debian's Chromium, driven by Playwright; nothing is fetched but onnxruntime-web."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from web_host import ISOLATED, host
from web_page import Page

from fststyle.errors import FststyleError
from fststyle.runtime.convert import quantize
from fststyle.web.site import build_site

KNOWN = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("FSTSTYLE_CHROMIUM") or next(filter(None, map(shutil.which, KNOWN)), None)
MODELS = Path(__file__).parents[2] / "models"

# A browser asks again for every file, as the tests change them.
_FRESH = {"Cache-Control": "no-cache"}

Serve = Callable[[dict[str, str]], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By their names on the page."""
    int8 = tmp_path_factory.mktemp("int8") / "starry_int8.onnx"
    quantize(MODELS / "starry_night.onnx", int8, precision="int8")
    return {
        "udnie_tiny": MODELS / "udnie_tiny.onnx",
        "starry_night": MODELS / "starry_night.onnx",
        "great_wave": MODELS / "great_wave.onnx",
        "starry_int8": int8,
    }


@pytest.fixture(scope="session")
def folder(networks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("web") / "site"
    try:
        build_site(networks.values(), folder)
    except FststyleError as error:
        if "cannot fetch" in str(error):
            pytest.skip(str(error))
        raise
    return folder


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """Of a host that lets the page use threads."""
    with host(folder, ISOLATED | _FRESH) as url:
        yield url


@pytest.fixture
def serve(folder: Path) -> Serve:
    """Another host of the same site, with these headers."""
    return lambda further: host(folder, further | _FRESH)


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Any]]:
    """Start a browser with some switches."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'fststyle[browser]'")
    if CHROMIUM is None:
        pytest.skip("needs Chromium; apt-get install chromium, or name it in FSTSTYLE_CHROMIUM")
    with playwright.sync_playwright() as started:
        opened = []

        def launch(*switches: str) -> Any:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *switches])
            opened.append(browser)
            return browser

        yield launch
        for browser in opened:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Any]) -> Any:
    return launch()


@pytest.fixture
def new_page(browser: Any) -> Iterator[Callable[..., Page]]:
    """A page in a profile of its own."""
    contexts = []

    def new_page(browser: Any = browser, **settings: Any) -> Page:
        context = browser.new_context(**{"locale": "en", "viewport": {"width": 1280, "height": 800}} | settings)
        contexts.append(context)
        tab = context.new_page()
        page = Page(tab, [])
        tab.add_init_script("addEventListener('painted', () => window.paintings = (window.paintings ?? 0) + 1)")
        tab.on("pageerror", lambda error: page.errors.append(str(error)))
        tab.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
        return page

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page], address: str) -> Page:
    page = new_page()
    page.open(address)
    return page
