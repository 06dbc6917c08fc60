"""Who may ask: by which name, from which page, with which token."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from fststyle.serve.settings import Settings, is_loopback, token_for

pytestmark = pytest.mark.anyio
Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "localhost",
        "LOCALHOST:80",
        "localhost.",
        "[::1]:8000",
        "192.168.1.7:8000",
        "paint.example:443",
    ],
)
async def test_its_own_names(client: Client, host: str) -> None:
    async with client(names=frozenset({"Paint.Example"})) as ask:
        assert (await ask.get("/api", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("evil.example:8000", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.0.0.1@evil.example", 400),
        ("", 400),
        ("[::1", 400),
        ("a b", 400),
        ("localhost:x", 400),
    ],
)
async def test_another_name_is_refused(client: Client, host: str, status: int) -> None:
    async with client() as ask:
        for address in ("/api", "/", "/openapi.json", "/nix"):
            answer = await ask.get(address, headers={"Host": host})
            assert answer.status_code == status
            assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Origin": "http://[broken"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
async def test_other_pages_are_refused(client: Client, png: bytes, headers: dict[str, str]) -> None:
    async with client() as ask:
        painted = await ask.post("/api/paint?network=identity", files={"picture": png}, headers=headers)
        listed = await ask.get("/api/networks", headers=headers)
    for answer in (painted, listed):
        assert answer.status_code == 403
        assert "another page" in answer.json()["error"]
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://127.0.0.1:8000"},  # a proxy speaks TLS
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
async def test_its_own_page_and_links_to_it(client: Client, headers: dict[str, str]) -> None:
    async with client() as ask:
        assert (await ask.get("/api", headers=headers)).status_code == 200


async def test_a_link_cannot_paint(client: Client, png: bytes) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with client() as ask:
        answer = await ask.post("/api/paint?network=identity", files={"picture": png}, headers=visit)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer é".encode().decode("latin-1")},
        {"Cookie": f"fststyle_8000={TOKEN[:-1]}"},
        {"Cookie": f"fststyle_9000={TOKEN}"},
        {"Cookie": "\x7f=;;;="},
    ],
)
async def test_without_the_token_there_is_nothing(client: Client, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with client(token=TOKEN) as ask:
        for address in ("/", "/api", "/api/networks", "/openapi.json", "/nix", f"/api?token={TOKEN}", "/?token=wrong"):
            answer = await ask.get(address, headers=raw)
            assert answer.status_code == 401, address
            assert "the token is missing or wrong" in answer.json()["error"]
            assert TOKEN not in answer.text


async def test_the_token_in_a_header(client: Client) -> None:
    async with client(token=TOKEN) as ask:
        assert (await ask.get("/api", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200


async def test_the_address_becomes_a_cookie(client: Client) -> None:
    async with client(token=TOKEN) as ask:
        answer = await ask.get(f"/?token={TOKEN}&a=b")
        assert (answer.status_code, answer.headers["location"]) == (303, "./?a=b")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"fststyle_8000={TOKEN};")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie  # with "strict" a link on another site would lead to a 401
        assert (await ask.get("/api")).status_code == 200


async def test_a_cookie_of_others_does_not_hide_ours(client: Client) -> None:
    foreign = ('{"a": 1}', "a=[b, c]; d={e}", "\x7f=;;;=", "a/b=c", "x", 'y="')
    async with client(token=TOKEN) as ask:
        for other in foreign:
            for cookies in (f"{other}; fststyle_8000={TOKEN}", f"fststyle_8000={TOKEN}; {other}"):
                assert (await ask.get("/api", headers={"Cookie": cookies})).status_code == 200, cookies


async def test_a_person_without_the_token_gets_a_page(client: Client) -> None:
    visit = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Host": "127.0.0.1:8000"}
    async with client(token=TOKEN) as ask:
        answer = await ask.get("/", headers=visit)
        named = await ask.get("/", headers=visit | {"Host": "<b>evil"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "<p>the token is missing or wrong; open the address" in answer.text
    assert named.status_code == 403
    assert "&lt;b&gt;evil" in named.text
    assert "<b>" not in named.text


async def test_nothing_is_changed_by_what_a_link_may_do(client: Client) -> None:
    async with client() as ask:
        paths: dict[str, dict[str, object]] = (await ask.get("/openapi.json")).json()["paths"]
    reading = {path for path, methods in paths.items() if "get" in methods}
    assert not any(path.endswith(("/pause", "/resume", "/paint", "/train", "/video")) for path in reading)


async def test_what_browsers_are_told(client: Client) -> None:
    async with client() as ask:
        for address in ("/api", "/nix", "/api/networks/identity/preview"):
            headers = (await ask.get(address)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.1.7", False), ("example.org", False), ("", False)),
    ],
)
def test_only_loopback_needs_no_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    token = token_for(host, None)
    assert (token is None) is loopback
    assert token is None or len(token) >= 32
    assert token_for(host, TOKEN) == TOKEN


@pytest.mark.parametrize("token", ["short", "", "é" * 20])
def test_a_token_that_can_be_guessed(settings: Callable[..., Settings], token: str) -> None:
    with pytest.raises(ValueError, match="at least 16 characters"):
        settings(token=token)
