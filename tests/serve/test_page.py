"""What the page gets from the server."""

import json
import shutil
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


async def test_the_pages_files_are_read_once(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(PAGE, tmp_path / "page")
    (copy / "app.js").write_bytes(b"// changed")
    monkeypatch.setattr("fststyle.web.site.PAGE", copy)
    kinds = {
        "/": "text/html",
        "/index.html": "text/html",
        "/app.js": "text/javascript",
        "/style.css": "text/css",
        "/lang/de.json": "application/json",
        "/sample.jpg": "image/jpeg",
    }
    async with client() as ask:
        shutil.rmtree(copy)
        monkeypatch.setattr("fststyle.samples.photos", lambda: [])
        for path, kind in kinds.items():
            answer = await ask.get(path)
            assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert (await ask.get("/app.js")).content == b"// changed"
        assert (await ask.get("/lang/de.json")).content == (PAGE / "lang" / "de.json").read_bytes()
        assert (await ask.get("/site.json")).json()["languages"]["de"] == "Deutsch"


async def test_a_browser_is_not_sent_what_it_has(client: Client) -> None:
    async with client() as ask:
        tag = (await ask.get("/app.js")).headers["etag"]
        for known, status in ((tag, 304), (f'"other", W/{tag}', 304), ('"other"', 200)):
            answer = await ask.get("/app.js", headers={"If-None-Match": known})
            assert (answer.status_code, bool(answer.content)) == (status, status == 200)
            assert (answer.headers["etag"], answer.headers["cache-control"]) == (tag, "no-cache")
        head = await ask.head("/app.js")
        assert head.headers["content-length"] == str(len((PAGE / "app.js").read_bytes()))


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
