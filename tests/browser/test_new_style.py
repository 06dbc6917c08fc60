"""A painting becomes a style in the page, and it is the one that `fststyle new` makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image
from web_page import PATIENCE, Page, scene

from fststyle import Stylizer, new_style, read_model, samples
from fststyle.graph.style_numbers import style_numbers
from fststyle.predict.new_style import predict

pytestmark = pytest.mark.browser

NewPage = Callable[..., Page]
LEAST_PSNR = 40.0


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene(240, 321)).save(path)
    return path


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """A landscape, as a file without losses."""
    path = tmp_path / "my_woodcut.png"
    Image.open(samples.style("woodcut")).convert("RGB").crop((0, 0, 500, 380)).save(path)
    return path


def painted_in(page: Page, name: str) -> NDArray[np.uint8]:
    page.tab.wait_for_selector(f"#frame[data-painted^='{name} ']", timeout=PATIENCE)
    return np.asarray(Image.open(page.save()))


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    assert one.shape == other.shape
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((one.astype(float) - other) ** 2))))


def numbers_of(model: onnx.ModelProto) -> NDArray[np.float32]:
    return np.concatenate(list(style_numbers(model).values()))


def tall(folder: Path) -> Path:
    Image.fromarray(scene(4000, 330)).save(folder / "tall.png")
    return folder / "tall.png"


def transparent(folder: Path) -> Path:
    alpha = np.clip(np.hypot(*(np.mgrid[:400, :500] - 200)) * 2 - 90, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([scene(400, 500), alpha])).save(folder / "transparent.png")
    return folder / "transparent.png"


def turned(folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(samples.style("swirls")).convert("RGB").save(folder / "turned.jpg", quality=95, exif=exif)
    return folder / "turned.jpg"


def large(folder: Path) -> Path:
    Image.fromarray(scene(1500, 2101)).save(folder / "large.png", compress_level=1)
    return folder / "large.png"


@pytest.mark.filterwarnings("ignore:.*unlike the paintings", "ignore:.*transparent in places")
@pytest.mark.parametrize("make", [tall, transparent, turned, large])
def test_it_paints_as_the_program_does(page: Page, photo: Path, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    painting = make(tmp_path)
    page.bring(photo)
    painted = painted_in(page, page.own_style(painting))
    expected = new_style(painting, device="cpu")(np.asarray(Image.open(photo)))
    assert psnr(painted, expected) >= LEAST_PSNR
    assert page.errors == []


def test_its_file_is_that_of_the_program(page: Page, painting: Path) -> None:
    page.own_style(painting)
    with page.tab.expect_download(timeout=PATIENCE) as download:
        page.tab.click("#style-download")
    assert download.value.suggested_filename == "my_woodcut.onnx"
    found = read_model(str(download.value.path()))
    made = predict(painting)
    assert found.card is not None
    assert found.card.weights_sha256 != ""
    ours = {**made.card.to_metadata(), "fststyle.weights_sha256": found.card.weights_sha256}
    assert found.card.to_metadata() == ours
    numbers = numbers_of(onnx.load_model_from_string(found.data))
    np.testing.assert_allclose(numbers, numbers_of(made.model), rtol=0, atol=2e-3)
    assert Stylizer(found.data, "cpu")(scene(40, 50)).shape == (40, 50, 3)


def test_large_photos_are_painted_in_parts(new_page: NewPage, address: str, painting: Path, tmp_path: Path) -> None:
    photo = tmp_path / "large.png"
    Image.fromarray(scene(700, 901)).save(photo)
    page = new_page()
    page.open(f"{address}?memory=220")
    fetched: list[str] = []
    page.tab.on("request", lambda request: fetched.append(request.url))
    page.bring(photo)
    page.tab.select_option("#passes", "1")
    painted = painted_in(page, page.own_style(painting))
    expected = new_style(painting, device="cpu", exact=True)(np.asarray(Image.open(photo)), passes=1)
    assert psnr(painted, expected) >= LEAST_PSNR
    assert any(url.endswith("body.parts") for url in fetched)


def test_it_is_fetched_when_it_is_first_used_and_then_works_without_a_network(
    new_page: NewPage, serve: Callable[..., Any], photo: Path, painting: Path
) -> None:
    page = new_page()
    fetched: list[str] = []
    page.tab.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))
    files = {"predictor.onnx", "body.onnx", "body.parts"}
    with serve({}) as address:
        page.open(address)
        page.bring(photo)
        page.tab.wait_for_selector("body[data-offline=ready]", timeout=PATIENCE)
        assert files.isdisjoint(fetched)
        page.own_style(painting)
        page.tab.wait_for_function(
            "async () => (await Promise.all(['predictor.onnx', 'body.onnx', 'body.parts'].map("
            "name => caches.match(new URL(`style/${name}`, location))))).every(Boolean)",
            timeout=PATIENCE,
        )
    page.tab.reload()
    page.tab.wait_for_selector("body[data-ready]")
    page.bring(photo)
    painted_in(page, page.own_style(painting))
    assert page.errors == []


def test_several_paintings_stand_beside_the_styles_of_the_page(
    page: Page, networks: dict[str, Path], photo: Path, painting: Path, tmp_path: Path
) -> None:
    page.bring(photo)
    first = page.own_style(painting)
    assert page.said("added") == "My woodcut is in the list of styles now."
    before = painted_in(page, first)
    other = painted_in(page, page.own_style(samples.style("swirls")))
    assert psnr(other, before) < 30
    again = page.own_style(painting)
    assert again != first
    page.choose(first)
    assert (painted_in(page, first) == before).all()
    assert page.tab.locator(".network").count() == len(networks) + 3
    previews = page.tab.eval_on_selector_all(".network img", "all => all.map(({ src }) => src.split(':')[0])")
    assert previews[:3] == ["blob"] * 3
    assert page.tab.is_visible("#style-download")
    page.choose("great_wave")
    assert not page.tab.is_visible("#style-download")
    assert page.errors == []


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("cut.jpg", "cut", "photo-broken"),
        ("empty.jpg", b"", "photo-empty"),
        ("letter.txt", b"Dear Theo", "photo-none"),
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photo-kind"),
        ("stripe.png", "stripe", "painting-narrow"),
    ],
)
def test_what_is_no_painting_gets_a_sentence_and_the_page_goes_on(
    page: Page, photo: Path, painting: Path, tmp_path: Path, name: str, content: bytes | str, key: str
) -> None:
    if content == "cut":
        Image.fromarray(scene(240, 320)).save(tmp_path / name, quality=95)
        content = (tmp_path / name).read_bytes()[:9000]
    if content == "stripe":
        Image.new("RGB", (3, 3000)).save(tmp_path / name)
    else:
        assert isinstance(content, bytes)
        (tmp_path / name).write_bytes(content)
    page.tab.set_input_files("#style-file", str(tmp_path / name))
    assert name in page.said(key)
    page.bring(photo)
    painted_in(page, page.own_style(painting))
    assert page.tab.inner_text("#problems") == ""


@pytest.mark.parametrize(("size", "key"), [(400, "painting-strange"), (60, "painting-small")])
def test_poor_paintings_become_styles_with_a_sentence(page: Page, tmp_path: Path, size: int, key: str) -> None:
    path = tmp_path / "poor.png"
    if key == "painting-strange":
        Image.new("RGB", (size, size), (200, 30, 30)).save(path)
    else:
        Image.open(samples.style("woodcut")).convert("RGB").resize((size, size)).save(path)
    page.tab.set_input_files("#style-file", str(path))
    assert page.said(key).startswith("Poor is")
    page.tab.wait_for_selector("input[name=network][value*=' ']:checked", state="attached")


def test_reading_a_painting_can_be_cancelled(
    new_page: NewPage, serve: Callable[..., Any], photo: Path, painting: Path
) -> None:
    page = new_page()
    held: list[Any] = []
    with serve({}) as address:
        page.tab.route("**/style/predictor.onnx", lambda route: held.append(route))
        page.open(address)
        page.bring(photo)
        page.tab.set_input_files("#style-file", str(painting))
        page.tab.wait_for_selector("#progress:not([hidden])")
        page.tab.click("#cancel")
        page.tab.wait_for_selector("#progress", state="hidden")
        page.tab.unroute("**/style/predictor.onnx")
        page.choose("great_wave")
        assert page.tab.locator("input[name=network][value*=' ']").count() == 0
        assert page.tab.inner_text("#problems") == ""
        painted_in(page, page.own_style(painting))
