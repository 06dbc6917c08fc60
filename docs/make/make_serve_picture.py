#!/usr/bin/env python
"""The picture of docs/serve.md: the server's page with a style of one's own, a training and a video.

    python docs/make/make_serve_picture.py docs/pictures/serve.webp

Needs pip install 'fststyle[serve,train,browser]' and Chromium. Trains for some minutes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TextIO, cast

import av
import numpy as np
from playwright.sync_api import Page, sync_playwright

from fststyle import samples
from fststyle.pictures.files import read_picture, resize, write_picture

NETWORKS = ("starry_night", "udnie", "great_wave", "scream", "composition_vii", "wheat_field")
CHROMIUM = os.environ.get("FSTSTYLE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 1_800_000  # milliseconds
FRAMES, SIDE = 30, 256


def write_clip(path: Path) -> None:
    """A walk of the camera over a photo."""
    photo = resize(read_picture(samples.photos()[0]).rgb, SIDE, SIDE + FRAMES * 2)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=15)
        stream.width = stream.height = SIDE
        for left in range(0, FRAMES * 2, 2):
            frame = np.ascontiguousarray(photo[:, left : left + SIDE])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())


def work(page: Page, painting: Path, clip: Path, steps: int) -> None:
    """Have a network trained and a video painted."""
    train = """async ([name, bytes, steps]) => {
        const form = new FormData();
        form.append("picture", new File([new Uint8Array(bytes)], name));
        const query = `title=My%20swirls&steps=${steps}&size=128&batch_size=2`;
        await fetch(`api/jobs/train?${query}`, { method: "POST", body: form });
    }"""
    page.evaluate(train, [painting.name, list(painting.read_bytes()), steps])
    page.wait_for_selector(".job[data-state=done]", timeout=PATIENCE)
    page.set_input_files("#file", str(clip))
    page.wait_for_function("() => document.querySelectorAll('.job[data-state=done]').length === 2", timeout=PATIENCE)


def show(page: Page, photo: Path, own: Path, other: Path) -> None:
    """A photo in the style of a painting, and another painting that may be trained."""
    page.set_input_files("#file", str(photo))
    page.wait_for_selector("#frame.painted", timeout=PATIENCE)
    page.set_input_files("#style-file", str(own))
    page.wait_for_selector(f"#frame[data-painted^='{own.stem} ']", timeout=PATIENCE)
    page.set_input_files("#studio-file", str(other))
    page.wait_for_selector(".studio form:not([hidden])")
    page.evaluate("document.querySelectorAll('.message').forEach((message) => message.remove())")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)  # what fades in


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="the picture")
    parser.add_argument("--painting", type=Path, default=samples.style("glass"), help="that becomes a style at once")
    parser.add_argument("--photo", default="temple", help="name of a sample photo")
    parser.add_argument("--steps", type=int, default=120, help="of the training")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        write_clip(folder / "holidays.mp4")
        words = ["serve", *NETWORKS, "--port", "0", "-o", str(folder / "served")]
        server = subprocess.Popen([sys.executable, "-m", "fststyle", *words], stderr=subprocess.PIPE, text=True)
        try:
            address = cast("TextIO", server.stderr).readline().removeprefix("open: ").strip()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(locale="en", viewport={"width": 1000, "height": 680})
            page.goto(address)
            page.wait_for_selector("body[data-ready]", timeout=PATIENCE)
            work(page, samples.style("swirls"), folder / "holidays.mp4", arguments.steps)
            show(page, samples.photo_folder() / f"{arguments.photo}.jpg", arguments.painting, samples.style("woodcut"))
            page.screenshot(path=folder / "page.png", animations="disabled", full_page=True)
            browser.close()
        finally:
            server.terminate()
            server.wait()
        write_picture(arguments.output, read_picture(folder / "page.png").rgb, quality=85)


if __name__ == "__main__":
    main()
