"""What every request passes: who may ask, from which page, under which name; and what browsers are told of us.

A web page anywhere can make its visitor's browser send requests to this machine (CSRF), and by a name of its own that
leads here even read the answers (DNS rebinding). The header Host tells the name, Origin and Sec-Fetch-Site the page.
"""

import hmac
import re
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fststyle.serve.refusals import RefusedError

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self' blob:; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}

# What ends the offline worker of another site needs no token: before that, nobody sees the page to sign in.
WORKER = "/sw.js"

# How a browser says that somebody follows a link.
_VISIT = "GET", "navigate", "document"

_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:@/\s]+)(?::\d+)?")


class Gate:
    """An ASGI application around another.

    Args:
        app: What answers the requests that may pass.
        names: Host names of the server, beside `localhost`, this machine's own and IP addresses. No name can be made
            to lead to an address that a browser was told as such.
        token: As in `Settings`.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str] = frozenset(), token: str | None = None) -> None:
        self._app = app
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", *(name.lower().rstrip(".") for name in names)}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/api") else "no-cache")
            await send(message)

        answer: ASGIApp = self._app
        try:
            self._check_host(headers)
            self._check_page(scope["method"], headers)
            if (signed_in := self._sign_in(scope, headers)) is not None:
                answer = signed_in
        except RefusedError as refusal:
            answer = refusal.page() if _reads_html(headers) else refusal.answer()
        await answer(scope, receive, told)

    def _check_host(self, headers: Headers) -> None:
        given = headers.getlist("host")
        parts = _AUTHORITY.fullmatch(given[0]) if len(given) == 1 else None
        if parts is None:
            raise RefusedError(400, "the header Host must name this server once")
        host = parts["host"].lower().rstrip(".")
        if host not in self._names and not _is_address(host.strip("[]")):
            raise RefusedError(
                403, f"this server is not called {host[:80]}; start it with --allow-host to give it that name"
            )

    def _check_page(self, method: str, headers: Headers) -> None:
        """Refuse what a page of another server asks for.

        A link on one may lead to our page, so navigation is let through; it carries no Origin.
        """
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != headers["host"].lower():
            raise RefusedError(403, "this request comes from another page; open the server's own")
        kind = method, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") and kind != _VISIT:
            raise RefusedError(403, "this request comes from another page; open the server's own")

    def _sign_in(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        """Look for the token: a header, a cookie, or the address of the page, which then becomes a cookie.

        Raises:
            RefusedError: It is not there, or another.
        """
        if self._token is None or scope["path"] == WORKER:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ").strip() or _cookie(headers)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        in_address = query.pop("token", [""])[0] if scope["path"] == "/" else ""
        if in_address and self._is_token(in_address):
            rest = urlencode(query, doseq=True)
            answer = RedirectResponse("./" + (f"?{rest}" if rest else ""), 303)
            # Not "strict": who comes by a link of another site would arrive at the page without it. Only GET is let
            # through from there, which changes nothing.
            answer.set_cookie(_cookie_name(headers), self._token, max_age=30 * 86400, httponly=True, samesite="lax")
            return answer
        if not self._is_token(given):
            how = "open the address that `fststyle serve` has printed, or send Authorization: Bearer TOKEN"
            raise RefusedError(401, f"the token is missing or wrong; {how}", {"WWW-Authenticate": "Bearer"})
        return None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())


def _reads_html(headers: Mapping[str, str]) -> bool:
    """Whether a person looks at the answer: only what a browser's address bar asks for names HTML."""
    return "text/html" in headers.get("accept", "").lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _cookie_name(headers: Mapping[str, str]) -> str:
    """Browsers send a cookie to every port of a host, so that two servers need two names."""
    return f"fststyle_{headers['host'].rpartition(':')[2]}" if headers["host"][-1:].isdigit() else "fststyle"


def _cookie(headers: Mapping[str, str]) -> str:
    # Not SimpleCookie: it reads nothing after the first cookie that it finds wrong, whoever set it.
    return cookie_parser(headers.get("cookie", "")).get(_cookie_name(headers), "")
