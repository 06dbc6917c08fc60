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
    Image.fromarray(scene(2570, 2711)).save(folder / "large.png", compress_level=1)
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
    namesake = tmp_path / "other" / painting.name
    namesake.parent.mkdir()
    Image.open(painting).rotate(90).save(namesake)
    assert page.own_style(namesake) != first
    page.tab.set_input_files("#style-file", str(painting))  # it is a style already
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
        ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"/>', "photo-kind"),
        ("clip.mp4", b"\0\0\0\x18ftypmp42", "painting-video"),
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


@pytest.mark.parametrize("key", ["painting-strange", "painting-small", "painting-transparent", "first-frame"])
def test_poor_paintings_become_styles_with_a_sentence(page: Page, tmp_path: Path, key: str) -> None:
    path = tmp_path / ("poor.gif" if key == "first-frame" else "poor.png")
    woodcut = Image.open(samples.style("woodcut")).convert("RGB")
    match key:
        case "painting-strange":
            Image.new("RGB", (400, 400), (200, 30, 30)).save(path)
        case "painting-small":
            woodcut.resize((60, 60)).save(path)
        case "painting-transparent":
            woodcut.putalpha(Image.linear_gradient("L").resize(woodcut.size))
            woodcut.save(path)
        case "first-frame":
            woodcut.save(path, save_all=True, append_images=[woodcut.rotate(90)])
    page.tab.set_input_files("#style-file", str(path))
    assert page.said(key).lower().startswith("poor")
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


def test_paintings_are_dropped_on_their_tile(page: Page, painting: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(painting.read_bytes()[:9000])
    page.drop("#new-style .plus", painting, tmp_path / "cut.png", samples.style("swirls"))
    page.tab.wait_for_selector("input[name=network][value^='swirls ']:checked", state="attached", timeout=PATIENCE)
    assert page.tab.locator("input[name=network][value*=' ']").count() == 2
    assert "cut.png is broken" in page.said("photo-broken")
    assert page.tab.get_attribute("body", "data-mode") == "empty"
    page.drop("#stage", painting)
    page.tab.wait_for_selector("#frame[data-painted^='swirls ']", timeout=PATIENCE)


def let_go(page: Page, held: list[Any]) -> None:
    """Let a request go on that was held, after what the page was asked for meanwhile."""
    for _ in range(PATIENCE // 50):
        if held:
            break
        page.tab.wait_for_timeout(50)
    page.tab.wait_for_timeout(300)
    held[0].continue_()


@pytest.mark.parametrize("good", [True, False])
def test_a_painting_that_comes_while_a_photo_is_painted(
    new_page: NewPage, serve: Callable[..., Any], photo: Path, painting: Path, tmp_path: Path, *, good: bool
) -> None:
    page, held = new_page(service_workers="block"), list[Any]()
    (tmp_path / "letter.txt").write_text("Dear Theo")
    with serve({}) as address:
        page.tab.route("**/networks/udnie_tiny.onnx", lambda route: held.append(route))
        page.open(address)
        page.tab.set_input_files("#file", str(photo))
        page.tab.wait_for_selector("#progress:not([hidden])")
        page.tab.set_input_files("#style-file", str(painting if good else tmp_path / "letter.txt"))
        let_go(page, held)
        if good:
            page.tab.wait_for_selector("#frame[data-painted^='my_woodcut ']", timeout=PATIENCE)
        else:
            page.said("photo-none")
            page.tab.wait_for_selector("#frame[data-painted^='udnie_tiny ']", timeout=PATIENCE)
        page.tab.wait_for_selector("#progress", state="hidden")
        assert page.tab.get_attribute("body", "aria-busy") is None


def test_a_photo_that_comes_while_a_painting_is_looked_at(
    new_page: NewPage, serve: Callable[..., Any], photo: Path, painting: Path
) -> None:
    page, held = new_page(service_workers="block"), list[Any]()
    with serve({}) as address:
        page.tab.route("**/style/predictor.onnx", lambda route: held.append(route))
        page.open(address)
        page.tab.set_input_files("#style-file", str(painting))
        page.tab.wait_for_selector("#progress:not([hidden])")
        page.tab.set_input_files("#file", str(photo))
        let_go(page, held)
        page.tab.wait_for_selector("#frame[data-painted^='my_woodcut ']", timeout=PATIENCE)
