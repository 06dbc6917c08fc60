"""What the page gets from the server."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from fststyle.web.site import PAGE

pytestmark = pytest.mark.anyio
Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_the_page_and_what_it_is(client: Client, identity: Path) -> None:
    async with client(networks=("udnie_tiny", "udnie", str(identity))) as ask:
        page = await ask.get("/")
        assert page.content == (PAGE / "index.html").read_bytes()
        assert page.headers["cache-control"] == "no-cache"
        site = (await ask.get("/site.json")).json()
        assert (site["engine"], site["offline"], site["modules"]) == ("server", False, ["./jobs.js"])
        assert [network["title"] for network in site["networks"]] == ["Udnie (tiny)", "Udnie (fast)", "Nothing"]
        for address in ("sample.jpg", *(site["networks"][0][key] for key in ("file", "preview")), *site["modules"]):
            assert (await ask.get("/" + address)).status_code == 200


async def test_an_offline_worker_of_another_site_ends(client: Client) -> None:
    async with client(token="0123456789abcdef") as ask:
        worker = await ask.get("/sw.js")
    assert (worker.status_code, worker.headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    assert "registration.unregister()" in worker.text
    assert "fetch" not in worker.text


async def test_any_name_has_an_address(client: Client, identity: Path, tmp_path: Path) -> None:
    odd = tmp_path / "100% #1? é.onnx"
    odd.write_bytes(identity.read_bytes())
    async with client(networks=(str(odd),)) as ask:
        (network,) = (await ask.get("/api/networks")).json()
        for address in (network["file"], (await ask.get("/site.json")).json()["networks"][0]["file"]):
            assert (await ask.get("/" + address)).content == identity.read_bytes()


@pytest.mark.parametrize(
    "path",
    ["/../app.py", "/%2e%2e/site.py", "/..%2f..%2fcli.py", "/lang", "/lang/../../site.py", "//etc/passwd", "/%00"],
)
async def test_nothing_but_the_page_is_there(client: Client, path: str) -> None:
    async with client() as ask:
        answer = await ask.get(path)
        assert answer.status_code in (404, 405)
        assert list(answer.json()) == ["error"]


def test_both_languages_have_the_same_sentences() -> None:
    english, german = (json.loads((PAGE / f"lang/jobs.{code}.json").read_text("utf-8")) for code in ("en", "de"))
    assert list(english) == list(german)
    for key, sentence in english.items():
        assert sorted(part.split("}")[0] for part in sentence.split("{")[1:]) == sorted(
            part.split("}")[0] for part in german[key].split("{")[1:]
        )
