"""The page of `fststyle web` in Chromium beside the program, in one run: sizes, paintings, styles, the webcam.

python scripts/benchmarks/measure_browser.py                     # 15 minutes on two cores
python scripts/benchmarks/measure_browser.py udnie_tiny --rounds 3 --size 256

Needs pip install 'fststyle[browser]' and Chromium. Medians of rounds in which browser and program take turns.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from web_host import ISOLATED, host

from fststyle import new_style, samples
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize
from fststyle.runtime.convert import quantize
from fststyle.web.site import build_site

CHROMIUM = os.environ.get("FSTSTYLE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 300_000  # milliseconds

# As browsers' own tools name and define them: bits per second, seconds of latency.
CONNECTIONS = {"fast 4G": (9e6, 0.06), "slow 4G": (1.6e6, 0.15)}

ENGINE = """async ([size, network]) => {
    const { open } = await import("./browser_engine.js");
    const site = await (await fetch("./site.json")).json();
    window.engine ??= await open(site);
    window.network = site.networks.find(({ name }) => name === network);
    const none = () => {};
    const signal = new AbortController().signal;
    await engine.load(window.network, none, signal);
    const photo = await (await fetch("./measured.png")).blob();
    window.photos ??= [await engine.open(photo, signal), await engine.open(photo, signal)];
    window.paintOnce = async (turn) => {
        const controls = { strength: 1, scale: 1, keepColor: false, passes: 1 };
        const begun = performance.now();
        const asked = { photo: photos[turn % 2], network: window.network, controls, side: size };
        (await engine.paint(asked, none, signal)).close();
        return performance.now() - begun;
    };
    await paintOnce(1);
}"""


def timed(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


@contextmanager
def tab(launch: Any, *switches: str) -> Iterator[Any]:
    browser = launch(executable_path=CHROMIUM, args=["--no-sandbox", *switches])
    try:
        yield browser.new_page()
    finally:
        browser.close()


def compare(launch: Any, folder: Path, networks: dict[str, Path], size: int, rounds: int) -> None:
    photo = np.asarray(Image.open(folder / "measured.png"))
    print(f"\nMilliseconds for {size}×{size} pixels, medians of {rounds}.\n")
    print("| network | host | threads | browser | program | ratio |\n|---|---|---|---|---|---|")
    for headers, threads in ((ISOLATED, os.cpu_count() or 1), ({}, 1)):
        with host(folder, headers) as address, tab(launch) as page:
            page.goto(f"{address}?wasm")
            page.wait_for_selector("body[data-ready]")
            for name, path in networks.items():
                stylizer = Stylizer(path, "cpu", threads=threads)
                stylizer(photo)
                page.evaluate(ENGINE, [size, name])
                there, here = [], []
                for turn in range(rounds):
                    there.append(page.evaluate("turn => paintOnce(turn)", turn))
                    here.append(timed(lambda paint=stylizer: paint(photo)))
                one, other = statistics.median(there), statistics.median(here)
                where = "COOP, COEP" if headers else "plain"
                print(f"| {name} | {where} | {threads} | {one:.0f} | {other:.0f} | {one / other:.1f} |", flush=True)


def sizes(folder: Path, networks: dict[str, Path]) -> None:
    def megabytes(*patterns: str) -> float:
        return sum(path.stat().st_size for pattern in patterns for path in folder.glob(pattern)) / 1e6

    print("\n| what | MB |\n|---|---|")
    print(f"| the site, {len(networks)} networks | {sum(p.stat().st_size for p in folder.rglob('*.*')) / 1e6:.1f} |")
    print(f"| the page and its languages | {megabytes('*.js', '*.html', '*.css', '*.json', 'lang/*'):.2f} |")
    print(
        f"| onnxruntime-web for the processor | {megabytes('ort/ort.wasm*', 'ort/ort-wasm-simd-threaded.[jw]*'):.1f} |"
    )
    print(f"| predictor and body | {megabytes('style/*'):.1f} |")
    print(f"| onnxruntime-web for WebGPU | {megabytes('ort/ort.webgpu*', 'ort/*asyncify*'):.1f} |")
    for name in networks:
        print(f"| {name} | {megabytes(f'networks/{name}.onnx'):.2f} |")


def first_painting(launch: Any, folder: Path, name: str, rounds: int) -> None:
    print(f"\nSeconds from the address to the first painted photo of 1024×768, {name}, medians of {rounds}.\n")
    print("| connection | seconds |\n|---|---|")
    for connection, (rate, latency) in CONNECTIONS.items():
        taken = []
        for _ in range(rounds):
            with host(folder, {}, rate, latency) as address, tab(launch) as page:
                begun = time.perf_counter()
                page.goto(f"{address}?wasm#{name}", wait_until="commit")
                page.wait_for_selector("body[data-ready]", timeout=PATIENCE)
                page.set_input_files("#file", str(folder / "first.jpg"))
                page.wait_for_selector("#frame[data-painted]", timeout=PATIENCE)
                taken.append(time.perf_counter() - begun)
        print(f"| {connection}, {rate / 1e6:g} Mbit/s | {statistics.median(taken):.1f} |", flush=True)


def own_style(launch: Any, folder: Path, rounds: int) -> None:
    paintings = samples.style("woodcut"), samples.style("glass")  # the page makes nothing of the same one again
    rate, latency = CONNECTIONS["fast 4G"]
    own = "input[name=network][value*=' ']"
    first, next_one, program = [], [], []
    for _ in range(rounds):
        with host(folder, ISOLATED, rate, latency) as address, tab(launch) as page:
            page.goto(f"{address}?wasm")
            page.wait_for_selector("body[data-ready]", timeout=PATIENCE)
            page.set_input_files("#file", str(folder / "first.jpg"))
            page.wait_for_selector("#frame[data-painted]", timeout=PATIENCE)
            for count, (painting, taken) in enumerate(zip(paintings, (first, next_one), strict=True)):
                begun = time.perf_counter()
                page.set_input_files("#style-file", str(painting))
                page.locator(own).nth(count).wait_for(state="attached", timeout=PATIENCE)
                taken.append(time.perf_counter() - begun)
        program.append(timed(lambda: new_style(paintings[0], device="cpu")) / 1000)
    print(f"\nSeconds from a painting to its style, medians of {rounds}.\n")
    print("| where | seconds |\n|---|---|")
    for where, taken in (("the first, fast 4G", first), ("the next", next_one), ("in the program", program)):
        print(f"| {where} | {statistics.median(taken):.2f} |", flush=True)


def webcam(launch: Any, folder: Path, networks: dict[str, Path]) -> None:
    print("\nFrames a second of a webcam at 320×240, and the longest time that the page was blocked, in ms.\n")
    print("| network | host | frames a second | blocked |\n|---|---|---|---|")
    switches = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=fps=60")
    for headers in (ISOLATED, {}):
        for name in networks:
            with host(folder, headers) as address, tab(launch, *switches) as page:
                page.goto(f"{address}?wasm#{name}")
                page.wait_for_selector("body[data-ready]")
                page.click("#camera")
                page.wait_for_function("() => Number(painted.dataset.frames) > 20", timeout=PATIENCE)
                found = page.evaluate(
                    """async () => {
                        const blocked = [0];
                        new PerformanceObserver((list) => blocked.push(...list.getEntries().map((e) => e.duration)))
                            .observe({ type: "longtask" });
                        const [begun, frames] = [performance.now(), Number(painted.dataset.frames)];
                        await new Promise((resolve) => setTimeout(resolve, 8000));
                        const rate = (Number(painted.dataset.frames) - frames) / (performance.now() - begun) * 1000;
                        return [rate, Math.max(...blocked)];
                    }"""
                )
                where = "COOP, COEP" if headers else "plain"
                print(f"| {name} | {where} | {found[0]:.0f} | {found[1]:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["udnie_tiny", "starry_night"], help="names or ONNX files")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        networks = {}
        for network in arguments.networks:
            networks[Path(network).stem] = Path(network)
            int8 = Path(temporary) / f"{Path(network).stem}_int8.onnx"
            quantize(network, int8, precision="int8")
            networks[int8.stem] = int8
        folder = Path(temporary) / "site"
        build_site(networks.values(), folder)
        temple = read_picture(next(path for path in samples.photos() if path.stem == "temple")).rgb
        Image.fromarray(resize(temple, arguments.size, arguments.size)).save(folder / "measured.png")
        Image.fromarray(resize(temple, 768, 1024)).save(folder / "first.jpg", quality=92)
        sizes(folder, networks)
        with sync_playwright() as playwright:
            launch = playwright.chromium.launch
            compare(launch, folder, networks, arguments.size, arguments.rounds)
            webcam(launch, folder, networks)
            first_painting(launch, folder, next(iter(networks)), 3)
            own_style(launch, folder, 3)


if __name__ == "__main__":
    main()
