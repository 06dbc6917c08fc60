#!/usr/bin/env python
"""The pictures of docs/web.md: the page at desktop width, and on a phone.

    python docs/make/make_web_pictures.py docs/pictures --paintings fststyle/samples/styles/swirls.jpg

Needs pip install 'fststyle[browser]' and Chromium. Every painting becomes a style of the page, the last stands first.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, sync_playwright

from fststyle import samples
from fststyle.errors import FststyleError
from fststyle.pictures.files import read_picture, write_picture
from fststyle.web.site import build_site

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "benchmarks"))
from web_host import ISOLATED, host

NETWORKS = ("starry_night", "udnie", "great_wave", "scream", "composition_vii", "wheat_field")
CHROMIUM = os.environ.get("FSTSTYLE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 120_000  # milliseconds
GAP = 18  # pixels

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def shot(
    browser: Browser, address: str, folder: Path, paintings: Sequence[Path], photo: str | None, **settings: Any
) -> NDArray[np.uint8]:
    """The page with a sample photo, painted in the style of the address or of the last painting."""
    page = browser.new_page(locale="en", **settings)
    page.goto(address)
    page.wait_for_selector("body[data-ready]", timeout=PATIENCE)
    if photo is not None:
        page.set_input_files("#file", str(samples.photo_folder() / f"{photo}.jpg"))
        page.wait_for_selector("#frame.painted", timeout=PATIENCE)
    for count, painting in enumerate(paintings, 1):
        page.set_input_files("#style-file", str(painting))
        page.locator("input[name=network][value*=' ']").nth(count - 1).wait_for(state="attached", timeout=PATIENCE)
    page.wait_for_selector("body:not([aria-busy])", timeout=PATIENCE)
    page.evaluate("document.getElementById('notices').replaceChildren()")
    page.wait_for_timeout(500)  # what fades in
    page.screenshot(path=folder / "page.png", animations="disabled")
    page.close()
    return read_picture(folder / "page.png").rgb


def beside(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """All in a row, on gray."""
    gap = np.full((pictures[0].shape[0], GAP, 3), 200, np.uint8)
    row = [part for picture in pictures for part in (picture, gap)]
    return np.hstack(row[:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="the folder of the pictures")
    parser.add_argument("--paintings", type=Path, nargs="*", default=[], help="that become styles")
    parser.add_argument("--photos", nargs=2, default=["temple", "raccoon"], help="names of sample photos")
    arguments = parser.parse_args()
    own, (first, second) = arguments.paintings, arguments.photos
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        try:
            build_site(NETWORKS, folder / "site", gpu=False)
        except FststyleError as error:
            sys.exit(f"error: {error}")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with host(folder / "site", ISOLATED) as address:
            desktop = shot(browser, address, folder, own, first, **DESKTOP)
            phone = [
                shot(browser, address, folder, [], None, **PHONE, color_scheme="dark"),
                shot(browser, address, folder, own, second, **PHONE, color_scheme="dark"),
                shot(browser, f"{address}#composition_vii", folder, [], second, **PHONE),
            ]
        browser.close()
    write_picture(arguments.output / "web_desktop.webp", desktop, quality=85)
    write_picture(arguments.output / "web_phone.webp", beside(phone), quality=85)


if __name__ == "__main__":
    main()
