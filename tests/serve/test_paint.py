"""A picture comes in, its painting goes out; every limit and every mistake is a sentence."""

import asyncio
import io
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fststyle import Blend, Stylizer
from fststyle.paint.stylizer import Stylizer as Painter
from fststyle.runtime.styles import export_styles
from fststyle.serve.settings import Limits

pytestmark = pytest.mark.anyio
Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def pixels(answer: httpx.Response) -> NDArray[np.uint8]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def file_of(array: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def says(answer: httpx.Response, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert "Traceback" not in answer.text
    assert "\n" not in answer.json()["error"]


async def test_every_byte_comes_back(client: Client, png: bytes, photo: NDArray[np.uint8]) -> None:
    async with client() as ask:
        answer = await ask.post("/api/paint?network=identity", files={"picture": png})
    np.testing.assert_array_equal(pixels(answer), photo)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"


async def test_all_controls_paint_as_the_stylizer_does(client: Client, photo: NDArray[np.uint8]) -> None:
    controls: dict[str, Any] = {"strength": 0.7, "scale": 0.5, "keep_color": True, "grain": 3.0}
    passes: Any = 2
    mask = np.linspace(0, 255, 40 * 30, dtype=np.uint8).reshape(30, 40)
    async with client(networks=("udnie_tiny",)) as ask:
        answer = await ask.post(
            "/api/paint",
            params={"network": "udnie_tiny", "passes": passes, **controls},
            files={"picture": file_of(photo), "mask": file_of(mask)},
        )
    expected = Stylizer("udnie_tiny", "cpu")(photo, **controls, mask=mask, passes=passes)
    np.testing.assert_allclose(pixels(answer).astype(int), expected, atol=1)


async def test_a_blend(client: Client, png: bytes, photo: NDArray[np.uint8], identity: Path) -> None:
    networks = ("udnie_tiny", str(identity))
    async with client(networks=networks) as ask:
        answer = await ask.post("/api/paint?network=udnie_tiny:0.25,identity:0.75", files={"picture": png})
        says(
            await ask.post("/api/paint?network=udnie_tiny:0.5,/etc/passwd:1", files={"picture": png}), 404, "no network"
        )
        says(await ask.post("/api/paint?network=identity:-1", files={"picture": png}), 422, "a blend reads like")
        many = ",".join(["identity:1"] * 9)
        says(await ask.post(f"/api/paint?network={many}", files={"picture": png}), 422, "at most 8 networks")
    expected = Blend([Stylizer(name, "cpu") for name in networks], [0.25, 0.75])(photo)
    np.testing.assert_allclose(pixels(answer).astype(int), expected, atol=1)


@pytest.mark.parametrize(
    ("query", "name", "media"),
    [
        ("", "a.jpg", "image/jpeg"),
        ("", "a.tar.gz", "image/png"),
        ("", "../../etc/passwd\0.webp", "image/webp"),
        ("", "фото.JPEG", "image/jpeg"),
        ("&format=webp", "a.jpg", "image/webp"),
        ("&format=tif", "a.jpg", "image/tiff"),
    ],
)
async def test_the_kind_of_file(client: Client, png: bytes, query: str, name: str, media: str) -> None:
    async with client() as ask:
        answer = await ask.post(f"/api/paint?network=identity{query}", files={"picture": (name, png)})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)


async def test_size_and_transparency(client: Client) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (30, 60, 4), np.uint8)
    async with client() as ask:
        answer = await ask.post("/api/paint?network=identity&max_side=20", files={"picture": file_of(photo)})
        assert pixels(answer).shape == (10, 20, 4)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "give either network=, one of the list, or a style"),
        ("network=identity&style_size=320", "style_size: it belongs to a style that is sent"),
        ("network=identity&strength=2", "strength: input should be less than or equal to 1"),
        ("network=identity&strength=nan", "strength: "),
        ("network=identity&scale=0", "scale: "),
        ("network=identity&passes=4", "passes: "),
        ("network=identity&max_side=-1", "max_side: "),
        ("network=identity&quality=101", "quality: "),
        ("network=identity&format=exe", "format: input should be 'png'"),
        ("network=identity&strenght=1", "strenght: there is no such parameter"),
    ],
)
async def test_a_wrong_parameter(client: Client, png: bytes, query: str, words: str) -> None:
    async with client() as ask:
        says(await ask.post(f"/api/paint?{query}", files={"picture": png}), 422, words)


@pytest.mark.parametrize(
    "name", ["nix", "../identity", "..%2Fidentity", "/etc/passwd", "identity.onnx", "%00", "é", "i" * 1000]
)
async def test_a_network_that_is_not_offered(client: Client, png: bytes, name: str) -> None:
    async with client() as ask:
        says(await ask.post(f"/api/paint?network={name}", files={"picture": png}), 404, "there is no network called")
        for end in ("file", "preview"):
            assert (await ask.get(f"/api/networks/{name}/{end}")).status_code == 404


async def test_what_is_no_form(client: Client, png: bytes) -> None:
    async with client() as ask:
        says(await ask.post("/api/paint?network=identity", content=png), 422, "send the picture as a file of a form")
        says(await ask.post("/api/paint?network=identity"), 422, "send the picture as a file of a form")
        says(await ask.post("/api/paint?network=identity", files={"photo": png}), 422, "photo: there is no such file")
        text = {"picture": (None, "a")}
        says(await ask.post("/api/paint?network=identity", files=text), 422, "the picture came as text")
        more = [("picture", png), ("mask", png), ("more", png)]
        says(await ask.post("/api/paint?network=identity", files=more), 422, "it takes picture, mask, style")
        many = [*more, ("style", png)]
        says(await ask.post("/api/paint?network=identity", files=many), 400, "Too many files")
        twice = [("picture", png), ("picture", png)]
        says(await ask.post("/api/paint?network=identity", files=twice), 422, "picture is there more than once")
        plain = {"Content-Type": "application/x-www-form-urlencoded"}  # as curl --data-binary has it
        answer = await ask.post("/api/paint?network=identity", content=b"a&" * 20, headers=plain)
        says(answer, 422, "send the picture as a file of a form")
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        says(await ask.post("/api/paint?network=identity", content=b"--y\r\n", headers=broken), 400, "")


async def test_what_is_no_picture(client: Client, png: bytes) -> None:
    async with client() as ask:
        for junk in (b"junk", b"", png[:100], b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"<svg/>", b"%PDF-1.4"):
            says(await ask.post("/api/paint?network=identity", files={"picture": junk}), 422, "the picture")
        says(await ask.post("/api/paint?network=identity", files={"picture": png, "mask": b"junk"}), 422, "the mask")


def bomb(side: int) -> bytes:
    """A PNG of a few KB that says it has so many pixels a side, all of them black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    lines = zlib.compress(bytes(10_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [101, 30_000, 2**31 - 1])
@pytest.mark.parametrize("part", ["picture", "mask", "style"])
async def test_too_many_pixels_are_refused_before_they_are_decoded(
    client: Client, png: bytes, side: int, part: str
) -> None:
    files = {"picture": png, part: bomb(side)}
    painter = {} if part == "style" else {"network": "identity"}
    async with client(Limits(pixels=10_000)) as ask:
        begun = time.monotonic()
        answer = await ask.post("/api/paint", params={"max_side": 10, **painter}, files=files)
    says(answer, 422, "pixels")
    assert f"the {part} has" in answer.json()["error"]
    assert time.monotonic() - begun < 2


async def test_a_small_scale_is_many_pixels(client: Client, png: bytes) -> None:
    async with client(Limits(pixels=10_000)) as ask:
        answer = await ask.post("/api/paint?network=identity&scale=0.1", files={"picture": png})
    says(answer, 422, "choose a larger scale")


async def test_too_many_bytes(client: Client, png: bytes) -> None:
    async with client(Limits(picture_bytes=10_000)) as ask:
        says(await ask.post("/api/paint?network=identity", files={"picture": bytes(60_000)}), 413, "0 MB allowed")
        says(
            await ask.post("/api/paint?network=identity", files={"picture": bytes(20_000)}), 413, "the picture has more"
        )

        async def endless() -> Any:
            while True:
                yield bytes(5000)

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        says(await ask.post("/api/paint?network=identity", content=endless(), headers=headers), 400, "")
        answer = await ask.post("/api/jobs/train?title=a", content=b"--x\r\n" + bytes(90_000), headers=headers)
        assert answer.status_code in (400, 413)


class Slow:
    """A network that paints until it is let go, and knows whether it was stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.begun, self.calls = threading.Event(), threading.Semaphore(0), 0
        monkeypatch.setattr(Painter, "__call__", lambda _, image, *__, **___: self(image))

    def __call__(self, image: Any) -> Any:
        from fststyle.runtime.stopping import current_stop

        self.calls += 1
        self.begun.release()
        while not self.go.wait(0.01):
            stop = current_stop()
            assert stop is not None
            stop.check()
        return image


async def test_the_queue_has_an_end(client: Client, png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    async with client(Limits(workers=1, waiting=2)) as ask:

        async def paint() -> httpx.Response:
            return await ask.post("/api/paint?network=identity", files={"picture": png})

        waiting = [asyncio.create_task(paint()) for _ in range(3)]
        await asyncio.to_thread(slow.begun.acquire)
        refused = await paint()
        says(refused, 429, "too many pictures are waiting")
        assert refused.headers["retry-after"] == "2"
        slow.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200, 200]
        assert (await paint()).status_code == 200


async def test_a_painting_that_takes_too_long(client: Client, png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    async with client(Limits(workers=1, seconds=0.2)) as ask:
        answer = await ask.post("/api/paint?network=identity", files={"picture": png})
        says(answer, 503, "longer than the 0.2 seconds allowed")
        slow.go.set()
        assert (await ask.post("/api/paint?network=identity", files={"picture": png})).status_code == 200


async def test_no_memory_and_bugs_are_sentences(client: Client, png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: Exception) -> Callable[..., Any]:
        def paint(*_: object, **__: object) -> Any:
            raise error

        return paint

    async with client() as ask:
        for error, status, words in (
            (MemoryError(), 503, "not enough memory"),
            (RuntimeError("secret"), 500, "something is wrong in the server"),
            (OSError(28, "No space left on device"), 507, "disk full"),
        ):
            monkeypatch.setattr(Painter, "__call__", fails(error))
            answer = await ask.post("/api/paint?network=identity", files={"picture": png})
            says(answer, status, words)
            assert "secret" not in answer.text


async def test_the_list_of_networks(client: Client, identity: Path) -> None:
    async with client(networks=("udnie_tiny", str(identity))) as ask:
        listed = (await ask.get("/api/networks")).json()
        assert [network["name"] for network in listed] == ["udnie_tiny", "identity"]
        assert "Picabia" in listed[0]["painting"]
        file = await ask.get("/" + listed[1]["file"])
        assert file.content == identity.read_bytes()
        assert 'filename="identity.onnx"' in file.headers["content-disposition"]
        preview = await ask.get("/" + listed[0]["preview"])
        assert pixels(preview).shape == (224, 224, 3)


async def test_what_the_server_says_of_itself(client: Client) -> None:
    async with client() as ask:
        about = (await ask.get("/api")).json()
        assert about["limits"]["pixels"] == 50_000_000
        schema = (await ask.get("/openapi.json")).json()
        assert {"/api/paint", "/api/networks", "/api/jobs/train", "/api/jobs/video", "/api/events"} <= set(
            schema["paths"]
        )
        assert "multipart/form-data" in schema["paths"]["/api/paint"]["post"]["requestBody"]["content"]
        for address in ("/docs", "/redoc", "/nix", "/api/nix"):
            says(await ask.get(address), 404, "there is nothing at this address")
        says(await ask.put("/api/paint"), 405, "does not take PUT")
        read = await ask.get("/api/paint?network=identity")
        says(read, 405, "does not take GET")
        assert read.headers["allow"] == "POST"


async def test_styles_of_one_network_are_mixed(
    client: Client, png: bytes, photo: NDArray[np.uint8], sibling: Callable[..., Path], tmp_path: Path
) -> None:
    many = tmp_path / "many.onnx"
    export_styles([sibling(seed, name) for seed, name in enumerate(("one", "two"))], many)
    async with client(networks=(str(many),)) as ask:
        for mix in ("two", "one:1,two:3"):
            answer = await ask.post(f"/api/paint?network=many&mix={mix}", files={"picture": png})
            np.testing.assert_array_equal(pixels(answer), Stylizer(many)(photo, mix=mix))
        says(await ask.post("/api/paint?network=many&mix=three", files={"picture": png}), 422, "it has one, two")
