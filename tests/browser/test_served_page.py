"""The page of `fststyle serve`: photos, trainings and videos, in Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from web_page import Page, scene

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from serving import run_fake_commands, serving, until

from fststyle import Stylizer, new_style, samples
from fststyle.pictures.files import read_picture
from fststyle.serve.settings import Limits, Settings

pytestmark = pytest.mark.browser


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    run_fake_commands(monkeypatch)
    limits = Limits(workers=2, pixels=1_000_000)
    with serving(Settings(tmp_path / "served", ("udnie_tiny", "starry_night_tiny"), limits=limits)) as (address, app):
        yield f"{address}/", app


@pytest.fixture
def page(new_page: Callable[..., Page], served: tuple[str, Any]) -> Page:
    page = new_page()
    page.open(served[0])
    return page


def photo(folder: Path, name: str = "photo.png", height: int = 90, width: int = 121) -> Path:
    Image.fromarray(scene(height, width)).save(folder / name)
    return folder / name


def state_of(page: Page, state: str) -> None:
    page.tab.wait_for_selector(f".job[data-state='{state}']", timeout=30_000)


def train(page: Page, painting: Path, title: str) -> None:
    page.tab.set_input_files("#studio-file", str(painting))
    page.tab.fill(".studio input[name=title]", title)
    page.tab.click(".studio form button")


def test_it_paints_as_the_program_does(page: Page, tmp_path: Path) -> None:
    file = photo(tmp_path)
    page.bring(file)
    page.tab.check("#keep-color")
    page.tab.select_option("#passes", "2")
    painted = read_picture(page.save()).rgb.astype(int)
    expected = Stylizer("udnie_tiny", "cpu")(read_picture(file), keep_color=True, passes=2)
    assert np.abs(painted - expected).max() <= 1
    page.choose("starry_night_tiny")
    assert page.errors == []


def test_what_the_browser_cannot_read_the_server_reads(page: Page, tmp_path: Path) -> None:
    page.bring(photo(tmp_path, "scan.tif"))
    assert page.tab.evaluate("document.querySelector('#before').width") == 121


def test_what_cannot_be_painted_is_a_sentence(page: Page, tmp_path: Path, served: tuple[str, Any]) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    page.tab.set_input_files("#file", str(tmp_path / "broken.jpg"))
    assert "The server says: the picture is broken" in page.said("server-says")
    page.tab.set_input_files("#file", str(photo(tmp_path, "large.png", 1001, 1001)))
    assert "large.png has 1,001 × 1,001 pixels, more than 1 million" in page.said("too-many-pixels")


def test_a_painting_becomes_a_style(page: Page, tmp_path: Path) -> None:
    train(page, photo(tmp_path, "great_wave.png"), "quick")
    state_of(page, "done")
    page.said("job-train-done")
    page.tab.wait_for_selector("input[name=network][value^=quick-]", state="attached")
    page.bring(photo(tmp_path))
    page.tab.click(".job button[data-action=use]")
    page.tab.wait_for_function("() => document.querySelector('#frame').dataset.painted.startsWith('quick-')")
    with page.tab.expect_download() as download:
        page.tab.click(".job a.button")
    assert download.value.suggested_filename.endswith(".onnx")
    assert page.errors == []


def test_a_painting_that_is_dropped_on_its_panel(page: Page, tmp_path: Path) -> None:
    drop = """(selector) => {
        const files = new DataTransfer();
        files.items.add(new File(["a"], "Große_Welle.png", { type: "image/png" }));
        document.querySelector(selector).dispatchEvent(
            new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
    }"""
    page.tab.evaluate(drop, ".studio")
    assert page.tab.input_value(".studio input[name=title]") == "Große Welle"
    assert page.tab.evaluate("document.body.dataset.mode") == "empty"
    page.tab.evaluate(drop, "#stage")  # here it is a photo, and none
    page.said("server-says")


def test_a_painting_of_ones_own_is_a_style_at_once(page: Page, tmp_path: Path) -> None:
    file, painting = photo(tmp_path), tmp_path / "my_woodcut.tif"  # which no browser reads
    Image.open(samples.style("woodcut")).convert("RGB").crop((0, 0, 500, 380)).save(painting)
    page.bring(file)
    page.tab.set_input_files("#style-file", str(painting))
    assert page.said("added") == "My woodcut is in the list of styles now."
    page.tab.wait_for_selector("#frame[data-painted^='my_woodcut ']", timeout=30_000)
    painted = read_picture(page.save()).rgb.astype(float)
    expected = new_style(painting, device="cpu")(read_picture(file).rgb)
    assert 10 * np.log10(255**2 / max(1e-9, np.mean((painted - expected) ** 2))) >= 40
    assert not page.tab.is_visible("#style-download")
    page.choose("starry_night_tiny")
    train(page, painting, "quick")
    state_of(page, "done")
    page.tab.wait_for_selector("input[name=network][value^=quick-]", state="attached")
    assert page.tab.locator("input[name=network][value^='my_woodcut ']").count() == 1
    assert page.errors == []


def test_what_is_no_painting_is_a_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no painting")
    page.tab.set_input_files("#style-file", str(tmp_path / "broken.jpg"))
    assert "broken" in page.said("server-says")
    page.tab.set_input_files("#style-file", str(photo(tmp_path, "large.png", 1001, 1001)))
    assert "large.png has" in page.said("too-many-pixels")
    Image.new("RGB", (400, 400), (200, 30, 30)).save(tmp_path / "red.png")
    page.tab.set_input_files("#style-file", str(tmp_path / "red.png"))
    assert page.said("painting-strange").startswith("Red is unlike")


def test_a_video_is_not_painted_in_a_style_that_the_server_does_not_keep(page: Page, tmp_path: Path) -> None:
    page.tab.set_input_files("#style-file", str(photo(tmp_path, "wave.png", 320, 400)))
    page.tab.wait_for_selector("input[name=network][value^='wave ']:checked", state="attached")
    (tmp_path / "clip.mp4").write_bytes(b"any")
    page.tab.set_input_files("#file", str(tmp_path / "clip.mp4"))
    assert "Wave" in page.said("job-video-own")
    assert page.tab.query_selector(".job") is None


def test_pause_go_on_and_cancel_in_two_browsers(
    new_page: Callable[..., Page], page: Page, served: tuple[str, Any], tmp_path: Path
) -> None:
    other = new_page(locale="de")
    other.open(served[0])
    train(page, photo(tmp_path), "a long one")
    for each in (page, other):
        state_of(each, "running")
        each.tab.wait_for_function("() => document.querySelector('.job progress').value === 0.5")
    assert page.tab.inner_text(".job-state") == "50 %, 3 seconds left"
    assert other.tab.inner_text(".job-state") == "50 %, noch 3 Sekunden"
    assert "total 1.50" in page.tab.inner_text(".job .hint")
    other.tab.click(".job button[data-action=pause]")
    for each in (page, other):
        state_of(each, "paused")
    page.tab.click(".job button[data-action=resume]")
    state_of(other, "running")
    for each in (page, other):
        each.tab.on("dialog", lambda dialog: dialog.accept())
        each.tab.eval_on_selector(".job button[data-action=remove]", "button => setTimeout(() => button.click())")
    for each in (page, other):
        each.tab.wait_for_selector(".job", state="detached")
        assert each.tab.query_selector("#problems .message") is None
    until(lambda: list((tmp_path / "served" / "jobs").iterdir()) == [])


def test_a_video(page: Page, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    clip = tmp_path / "my_clip.mp4"
    with av.open(str(clip), "w") as file:
        stream = file.add_stream("mpeg4", rate=5)
        stream.width, stream.height = 64, 48
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(scene(48, 64, number), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    page.tab.set_input_files("#file", str(clip))
    state_of(page, "running")
    assert page.tab.inner_text(".job h3") == "my clip"


def test_nothing_lies_over_the_panels(page: Page) -> None:
    for part in (".studio h2", ".studio #studio-choose"):
        inside = """element => {
            element.scrollIntoView({ block: "center" });
            const { left, top, width, height } = element.getBoundingClientRect();
            return element.contains(document.elementFromPoint(left + width / 8, top + height / 2));
        }"""
        assert page.tab.eval_on_selector(part, inside), part


def test_a_server_that_is_gone_is_a_sentence(page: Page, tmp_path: Path) -> None:
    page.tab.route("**/api/paint**", lambda route: route.abort())
    page.tab.set_input_files("#file", str(photo(tmp_path)))
    assert "fststyle serve" in page.said("server-away")
