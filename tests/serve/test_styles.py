"""A painting comes with the picture, in place of a network."""

import io
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle import new_style, samples
from fststyle.predict.new_style import predict
from fststyle.serve import styles
from fststyle.serve.refusals import RefusedError
from fststyle.serve.settings import Limits, Settings
from fststyle.serve.styles import Styles

pytestmark = pytest.mark.anyio
Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def painting() -> bytes:
    return samples.style("woodcut").read_bytes()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes at which paintings were looked at."""
    sizes: list[int] = []

    def told(source: Any, **settings: Any) -> Any:
        sizes.append(settings["style_size"])
        return predict(source, **settings)

    monkeypatch.setattr(styles, "predict", told)
    return sizes


def pixels(answer: httpx.Response) -> NDArray[np.int64]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)


def flat(size: tuple[int, int], mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def error_of(answer: httpx.Response, status: int = 422) -> str:
    assert answer.status_code == status, answer.text
    sentence: str = answer.json()["error"]
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("size", [None, 200])
async def test_it_paints_as_the_program_does(
    client: Client, png: bytes, painting: bytes, photo: NDArray[np.uint8], size: int | None
) -> None:
    query = {} if size is None else {"style_size": size}
    async with client() as ask:
        answer = await ask.post("/api/paint", params=query, files={"picture": png, "style": painting})
    expected = new_style(io.BytesIO(painting), style_size=size or 320, device="cpu")(photo)
    assert np.abs(pixels(answer) - expected).max() <= 1
    assert 0 <= float(answer.headers["fststyle-strangeness"]) < 0.1


async def test_the_schema_tells_of_it(client: Client) -> None:
    async with client() as ask:
        post = (await ask.get("/openapi.json")).json()["paths"]["/api/paint"]["post"]
    form = post["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert (set(form["properties"]), form["required"]) == ({"picture", "mask", "style"}, ["picture"])
    assert "Fststyle-Strangeness" in post["responses"]["200"]["headers"]


async def test_controls_hold_for_a_style_too(
    client: Client, png: bytes, painting: bytes, photo: NDArray[np.uint8]
) -> None:
    async with client() as ask:
        answer = await ask.post("/api/paint?strength=0", files={"picture": png, "style": painting})
    np.testing.assert_array_equal(pixels(answer), photo)


async def test_a_flat_color_is_called_strange(client: Client, png: bytes) -> None:
    async with client() as ask:
        with pytest.warns(UserWarning, match="unlike the paintings"):
            answer = await ask.post("/api/paint", files={"picture": png, "style": flat((300, 300))})
    assert float(answer.headers["fststyle-strangeness"]) > 0.1


async def test_either_a_network_or_a_style(client: Client, png: bytes, painting: bytes) -> None:
    async with client() as ask:
        both = await ask.post("/api/paint?network=identity", files={"picture": png, "style": painting})
        neither = await ask.post("/api/paint", files={"picture": png})
        named = await ask.post("/api/paint?network=identity", files={"picture": png})
        as_text = await ask.post("/api/paint", files={"picture": png}, data={"style": "starry_night"})
        empty = await ask.post("/api/paint?network=", files={"picture": png})
    assert error_of(both) == error_of(neither)
    assert error_of(empty).startswith("network: ")
    assert error_of(both).startswith("give either network=")
    assert "fststyle-strangeness" not in named.headers
    assert "the style came as text" in error_of(as_text)


async def test_a_painting_of_the_servers_list(client: Client, png: bytes, photo: NDArray[np.uint8]) -> None:
    swirls = samples.style("swirls")
    async with client(networks=(), styles=(swirls,), style_size=100) as ask:
        (network,) = (await ask.get("/api/networks")).json()
        answer = await ask.post("/api/paint?network=swirls", files={"picture": png})
        file = await ask.get("/" + network["file"])
    assert (network["name"], network["title"], network["painting"]) == ("swirls", "Swirls", "swirls.jpg")
    assert np.abs(pixels(answer) - new_style(swirls, style_size=100, device="cpu")(photo)).max() <= 1
    assert file.content == predict(swirls, style_size=100).file().data
    assert file.headers["content-disposition"] == "attachment; filename*=utf-8''swirls.onnx"


@pytest.mark.parametrize("size", ["31", "2049", "a"])
async def test_a_size_that_cannot_be(client: Client, png: bytes, painting: bytes, size: str) -> None:
    async with client() as ask:
        answer = await ask.post(f"/api/paint?style_size={size}", files={"picture": png, "style": painting})
    assert error_of(answer).startswith("style_size: ")


async def test_a_style_that_cannot_be_read_is_named(client: Client, png: bytes, painting: bytes) -> None:
    async with client() as ask:
        for junk in (b"junk", b"", painting[:200], b"<svg/>", b"%PDF-1.4"):
            sentence = error_of(await ask.post("/api/paint", files={"picture": png, "style": junk}))
            assert sentence.startswith("the style")
            assert "picture" not in sentence
            assert "bytes" not in sentence
        video = error_of(await ask.post("/api/paint", files={"picture": png, "style": b"\0\0\0\x18ftypmp42"}))
        mixed = error_of(await ask.post("/api/paint?mix=udnie", files={"picture": png, "style": painting}))
        narrow = error_of(await ask.post("/api/paint", files={"picture": png, "style": flat((1, 4000))}))
    assert narrow.startswith("the style has 1×4000 pixels, too narrow")
    assert video == "the style is a video; send a frame of it as PNG or JPEG"
    assert mixed.startswith("the network predicted from a painting has one style, so there is nothing to mix")


async def test_a_style_of_too_many_bytes(client: Client, png: bytes) -> None:
    async with client(Limits(picture_bytes=10_000)) as ask:
        answer = await ask.post("/api/paint", files={"picture": png, "style": bytes(20_000)})
    assert "the style has more than" in error_of(answer, 413)


async def test_a_painting_is_looked_at_once(client: Client, png: bytes, painting: bytes, asked: list[int]) -> None:
    async with client() as ask:
        for query in ("", "", "?style_size=64", "?style_size=64&strength=0.5"):
            await ask.post(f"/api/paint{query}", files={"picture": png, "style": painting})
        assert asked == [320, 64]


def test_only_the_last_few_stay_open(tmp_path: Path, painting: bytes, asked: list[int]) -> None:
    kept = Styles(Settings(tmp_path, device="cpu"))
    sizes = [32, 33, 34, 35, 36]
    for size in sizes:
        kept.style(painting, size)
    assert kept.style(painting, 36) is kept.style(painting, 36)
    kept.style(painting, 32)
    assert asked == [*sizes, 32]


def test_what_was_refused_is_not_kept(tmp_path: Path, painting: bytes) -> None:
    kept = Styles(Settings(tmp_path, device="cpu", limits=Limits(pixels=100)))
    for _ in range(2):
        with pytest.raises(RefusedError, match="the style has far more than the 100 pixels allowed"):
            kept.style(painting, 320)


def test_many_threads_get_the_same_painting(tmp_path: Path, painting: bytes, photo: NDArray[np.uint8]) -> None:
    kept = Styles(Settings(tmp_path, device="cpu"))
    painted: list[NDArray[np.uint8]] = []
    threads = [
        threading.Thread(target=lambda: painted.append(kept.style(painting, 64).stylizer(photo))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(painted) == 4
    assert all((each == painted[0]).all() for each in painted)
