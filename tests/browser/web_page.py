"""The page as somebody uses it, and photos; for the tests in Chromium."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PATIENCE = 180_000  # milliseconds that a painting may take on a slow machine


@dataclass
class Page:
    """The page as somebody uses it.

    Attributes:
        tab: Playwright's page.
        errors: What scripts threw, and what the console complains about.
    """

    tab: Any
    errors: list[str]

    def open(self, address: str) -> None:
        self.tab.goto(address)
        self.tab.wait_for_selector("body[data-ready]")

    def bring(self, *files: Path) -> None:
        """Choose files, and wait until the first is painted."""
        before = self.tab.evaluate("window.paintings ?? 0")
        self.tab.set_input_files("#file", [str(file) for file in files])
        self.painted_since(before)

    def choose(self, network: str) -> None:
        before = self.tab.evaluate("window.paintings ?? 0")
        self.tab.check(f"input[name=network][value='{network}']", force=True)
        self.painted_since(before)

    def own_style(self, painting: Path) -> str:
        """Make a style of a painting; returns its name on the page."""
        own = "input[name=network][value*=' ']"
        before = self.tab.locator(own).count()
        self.tab.set_input_files("#style-file", str(painting))
        self.tab.wait_for_function(
            "([own, before]) => document.querySelectorAll(own).length > before", arg=[own, before], timeout=PATIENCE
        )
        name: str = self.tab.locator(own).first.get_attribute("value")
        return name

    def drop(self, selector: str, *files: Path) -> None:
        """Let files fall on an element."""
        contents = [(file.name, mimetypes.guess_type(file)[0] or "", list(file.read_bytes())) for file in files]
        self.tab.eval_on_selector(
            selector,
            """(element, contents) => {
                const dataTransfer = new DataTransfer();
                for (const [name, type, bytes] of contents) {
                    dataTransfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
                }
                for (const kind of ["dragenter", "dragover", "drop"]) {
                    element.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
                }
            }""",
            contents,
        )

    def painted_since(self, before: int) -> None:
        self.tab.wait_for_function("before => (window.paintings ?? 0) > before", arg=before, timeout=PATIENCE)

    def save(self, kind: str = "image/png", size: str | None = None) -> Path:
        """Download the painting, as a file of this kind."""
        self.tab.select_option("#format", kind)
        if size is not None:
            self.tab.select_option("#size", size)
        with self.tab.expect_download(timeout=PATIENCE) as download:
            self.tab.click("#download")
        path: Path = download.value.path()
        return path

    def said(self, key: str) -> str:
        """The message of this key, when it is there."""
        self.tab.wait_for_selector(f".message[data-key='{key}']", timeout=PATIENCE)
        text: str = self.tab.inner_text(f".message[data-key='{key}'] span")
        return text


def scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """What a photo is like: large shapes, edges, some grain."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 8, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(12):
        top, left = random.integers(0, height), random.integers(0, width)
        inside = (rows - top) ** 2 + (columns - left) ** 2 < (min(height, width) / random.integers(5, 14)) ** 2
        smooth[inside] = random.integers(0, 256, 3)
    grain = random.integers(-6, 7, (height, width, 1), np.int16)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)
