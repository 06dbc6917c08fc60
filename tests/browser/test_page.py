"""What somebody does with the page, and what it says when something is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from web_page import PATIENCE, Page, scene

pytestmark = pytest.mark.browser

NewPage = Callable[..., Page]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene(240, 320)).save(path)
    return path


def drop(page: Page, *files: Path) -> None:
    """Drop files onto the page, as a desktop does."""
    handle = page.tab.evaluate_handle(
        "() => Object.assign(document.createElement('input'), { type: 'file', multiple: true })"
    )
    handle.as_element().set_input_files([str(file) for file in files])
    page.tab.evaluate(
        """input => {
            const transfer = new DataTransfer();
            for (const file of input.files) transfer.items.add(file);
            for (const kind of ["dragenter", "dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true }));
            }
        }""",
        handle,
    )


def pixel(page: Page, x: float, y: float) -> tuple[int, ...]:
    """Of the painting, at a share of its width and height."""
    return tuple(
        page.tab.evaluate(
            """([x, y]) => {
                const canvas = document.getElementById("after");
                const [left, top] = [Math.floor(x * (canvas.width - 1)), Math.floor(y * (canvas.height - 1))];
                return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data];
            }""",
            [x, y],
        )
    )


def test_a_page_that_was_loaded_once_paints_without_a_network(
    new_page: NewPage, serve: Callable[..., Any], photo: Path
) -> None:
    page = new_page()
    with serve({}) as address:
        page.open(address)
        page.bring(photo)
        page.tab.wait_for_selector("body[data-offline=ready]", timeout=PATIENCE)
    page.tab.reload()
    page.tab.wait_for_selector("body[data-ready]")
    page.bring(photo)
    page.choose("great_wave")
    assert page.errors == []


def test_a_host_without_the_headers_paints_with_one_thread(
    new_page: NewPage, serve: Callable[..., Any], page: Page, photo: Path
) -> None:
    other = new_page()
    with serve({}) as address:
        other.open(address)
        other.bring(photo)
    assert "one thread" in other.tab.text_content("#notes")
    assert "several threads" in page.tab.text_content("#notes")


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("cut.jpg", "cut", "photo-broken"),
        ("empty.jpg", b"", "photo-empty"),
        ("letter.txt", b"Dear Theo", "photo-none"),
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photo-kind"),
        ("scan.tif", b"II*\0\x08\0\0\0\0\0", "photo-kind"),
        ("poster.png", "poster", "photo-too-large"),
        ("letter.onnx", b"Dear Theo, this is no network", "network-none"),
        ("empty.onnx", b"", "network-none"),
        ("photo.onnx", "photo", "network-none"),
    ],
)
def test_what_cannot_be_painted_gets_a_sentence_and_the_page_goes_on(
    page: Page, photo: Path, tmp_path: Path, name: str, content: bytes | str, key: str
) -> None:
    if content == "cut":
        Image.fromarray(scene(240, 320)).save(tmp_path / name, quality=95)
        content = (tmp_path / name).read_bytes()[:9000]
    elif content == "poster":
        content = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (20_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
    elif content == "photo":
        content = photo.read_bytes()
    assert isinstance(content, bytes)
    (tmp_path / name).write_bytes(content)
    page.tab.set_input_files("#file", str(tmp_path / name))
    said = page.said(key)
    assert name in said
    assert "{" not in said
    page.bring(photo)
    assert page.tab.inner_text("#problems") == ""


def test_a_network_that_takes_no_picture_is_refused(page: Page, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10]) for name in "ab"]
    model = helper.make_model(helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", ends[:1], ends[1:]))
    onnx.save(model, str(tmp_path / "words.onnx"))
    page.tab.set_input_files("#file", str(tmp_path / "words.onnx"))
    assert "words.onnx" in page.said("network-other")


def test_a_network_of_ones_own_joins_the_list_and_paints(page: Page, photo: Path, networks: dict[str, Path]) -> None:
    page.bring(photo)
    before = page.tab.evaluate("window.paintings")
    page.tab.set_input_files("#file", str(networks["great_wave"]))
    assert page.said("added") == "Great wave is in the list of styles now."
    page.painted_since(before)
    added = pixel(page, 0.3, 0.6)
    page.choose("great_wave")
    assert added == pixel(page, 0.3, 0.6)
    assert page.tab.locator(".network").count() == len(networks) + 1


def test_drop_and_paste_bring_photos(page: Page, photo: Path) -> None:
    drop(page, photo)
    page.painted_since(0)
    page.tab.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(90, 60);
            canvas.getContext("2d").fillRect(0, 0, 90, 60);
            const transfer = new DataTransfer();
            transfer.items.add(new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }"""
    )
    page.painted_since(1)
    assert page.tab.evaluate("document.getElementById('after').width") == 90


def test_of_two_drops_at_once_the_later_is_painted(page: Page, photo: Path, tmp_path: Path) -> None:
    Image.fromarray(scene(90, 70)).save(tmp_path / "later.png")
    drop(page, photo)
    drop(page, tmp_path / "later.png")
    page.tab.wait_for_function("() => document.getElementById('after').width === 70", timeout=PATIENCE)
    drop(page, photo, tmp_path / "later.png")
    assert "2 files" in page.said("first-only")


def test_a_style_that_is_chosen_while_another_paints_wins(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.fromarray(scene(768, 1024)).save(large)
    page.bring(large)
    for name in ("starry_night", "great_wave", "starry_night", "great_wave", "udnie_tiny"):
        page.tab.check(f"input[name=network][value='{name}']", force=True)
        page.tab.wait_for_timeout(150)
    page.tab.wait_for_selector("#frame[data-painted^='udnie_tiny']", timeout=PATIENCE)
    page.tab.wait_for_selector("body:not([aria-busy])", timeout=PATIENCE)
    assert page.tab.get_attribute("#frame", "data-painted").startswith("udnie_tiny")
    assert page.errors == []


def test_saving_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.fromarray(scene(2400, 3200)).save(large, compress_level=1)
    page.bring(large)
    page.tab.click("#download")
    page.tab.wait_for_selector("#progress:not([hidden])")
    page.tab.click("#cancel")
    page.tab.wait_for_selector("#progress", state="hidden")
    page.choose("great_wave")
    assert page.tab.inner_text("#problems") == ""


def test_an_animation_gives_its_first_frame_and_says_so(page: Page, tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((40, 60, 3), level, np.uint8)) for level in (20, 120, 220)]
    frames[0].save(tmp_path / "cat.gif", save_all=True, append_images=frames[1:])
    page.bring(tmp_path / "cat.gif")
    assert "cat.gif is animated" in page.said("first-frame")


def test_back_and_forward_keep_the_style_of_the_address(page: Page, photo: Path, address: str) -> None:
    page.tab.goto(f"{address}#great_wave")
    page.tab.wait_for_selector("input[value=great_wave]:checked", state="attached")
    page.tab.goto("about:blank")
    page.tab.go_back()
    page.tab.wait_for_selector("body[data-ready]")
    page.tab.wait_for_selector("input[value=great_wave]:checked", state="attached")
    page.bring(photo)
    page.tab.go_back()
    page.tab.go_forward()
    page.tab.wait_for_selector("body[data-ready]")
    assert page.errors == []


def test_an_address_with_a_stray_percent_opens_the_first_style(new_page: NewPage, address: str) -> None:
    page = new_page()
    page.open(f"{address}#100%")
    page.tab.wait_for_selector("input[value=udnie_tiny]:checked", state="attached")
    page.tab.evaluate("location.hash = '%E0%A4%A'")
    page.tab.evaluate("location.hash = 'great_wave'")
    page.tab.wait_for_selector("input[value=great_wave]:checked", state="attached")
    assert page.errors == []


def test_networks_of_one_painting_can_be_told_apart(page: Page) -> None:
    """Their names are not cut off."""
    titles = page.tab.locator(".network > span:last-child")
    assert titles.filter(has_text="(starry_int8)").count() == 1
    assert titles.evaluate_all("all => all.every(({ scrollHeight, clientHeight }) => scrollHeight <= clientHeight)")


def test_buttons_wait_until_the_page_is_ready(new_page: NewPage, address: str) -> None:
    page = new_page()
    held: list[Any] = []
    page.tab.route("**/site.json", lambda route: held.append(route))
    page.tab.goto(address)
    for _ in range(100):
        if held:
            break
        page.tab.wait_for_timeout(50)
    assert page.tab.eval_on_selector_all("#empty button", "buttons => buttons.every(({ disabled }) => disabled)")
    assert not page.tab.evaluate(
        "document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true }))"
    )
    held[0].continue_()
    page.tab.click("#sample")  # as soon as it can be clicked
    page.painted_since(0)


def test_the_page_speaks_the_readers_language(new_page: NewPage, address: str) -> None:
    page = new_page(locale="de-AT")
    page.open(address)
    assert page.tab.inner_text("#empty h2") == "Mach aus einem Foto ein Gemälde"
    assert page.tab.get_attribute("html", "lang") == "de"
    page.tab.select_option("#language", "en")
    page.tab.wait_for_selector("text=Turn a photo into a painting")
    page.tab.reload()
    page.tab.wait_for_selector("text=Turn a photo into a painting")


def test_the_keyboard_reaches_everything(page: Page, photo: Path) -> None:
    page.bring(photo)
    page.tab.focus("input[name=network]:checked")
    page.tab.keyboard.press("ArrowRight")
    page.tab.wait_for_selector("#frame[data-painted^='starry_night']", timeout=PATIENCE)
    page.tab.focus("#split")
    page.tab.keyboard.press("End")
    assert page.tab.evaluate("getComputedStyle(document.getElementById('frame')).getPropertyValue('--split')") == "100%"
    page.tab.focus(".brand")
    seen = set()
    for _ in range(30):
        page.tab.keyboard.press("Tab")
        seen.add(page.tab.evaluate("document.activeElement.id || document.activeElement.name"))
    assert {"new-photo", "language", "about-open", "split", "network", "strength", "brush", "keep-color"} <= seen
    assert {"size", "format", "download"} <= seen


def test_a_page_from_a_file_says_why_it_does_not_run(new_page: NewPage, folder: Path) -> None:
    page = new_page()
    page.tab.goto((folder / "index.html").as_uri())
    assert "python -m http.server" in page.tab.inner_text("#problems")


def test_a_network_that_the_server_lost_is_named(
    new_page: NewPage, folder: Path, tmp_path: Path, serve: Callable[..., Any], photo: Path
) -> None:
    page = new_page()
    page.tab.route("**/networks/*", lambda route: route.fulfill(status=404))
    with serve({}) as address:
        page.open(address)
        page.tab.set_input_files("#file", str(photo))
        assert page.said("not-there") == (
            "udnie_tiny.onnx is missing on the server (status 404). Tell whoever runs this page."
        )


def test_little_memory_paints_in_tiles_and_offers_smaller_sizes(
    new_page: NewPage, address: str, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    Image.fromarray(scene(3000, 4000)).save(large, compress_level=1)
    page = new_page()
    page.open(f"{address}?memory=150")
    page.bring(large)
    sizes = page.tab.eval_on_selector_all("#size option", "options => options.map(option => option.value)")
    assert sizes == ["512", "1024", "2048"]
    assert "not for all of the photo" in page.tab.inner_text("#size-hint")
    assert Image.open(page.save(size="1024")).size == (1024, 768)
    assert page.errors == []
