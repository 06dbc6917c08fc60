"""A stand-in for Hugging Face's hub on this machine: what its client asks for when it lists, fetches and commits.

Repositories live in memory. `alice` may write with the token TOKEN; a repository may be private or gated.
"""

import base64
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_stand_in"


@dataclass
class Repo:
    """One repository; `revisions` holds the files of every commit, and branches and tags name commits."""

    private: bool = False
    gated: bool = False
    revisions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], *names: str) -> str:
        """Add files to the newest commit; gives the new one's id."""
        before = self.revisions.get(self.names.get("main", ""), {})
        digest = hashlib.sha1(f"{len(self.revisions)}".encode()).hexdigest()
        self.revisions[digest] = before | files
        self.names |= dict.fromkeys(["main", *names], digest)
        return digest

    def find(self, revision: str) -> str | None:
        return self.names.get(revision) or (revision if revision in self.revisions else None)


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    repos: dict[str, Repo] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: int | None = None
    url: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, body: Any = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _fail(self, status: int, code: str, message: str) -> None:
        self._answer(status, {"error": message}, X_Error_Code=code, X_Error_Message=message)

    @property
    def _writes(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _open(self, name: str, revision: str) -> tuple[Repo, str] | None:
        """A repository that may be seen, and one of its commits; answers itself where there is none."""
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and not self._writes):
            self._fail(401 if not self._writes else 404, "RepoNotFound", "Repository not found")
        elif repo.gated and not self._writes:
            self._fail(403, "GatedRepo", "Access to this model is restricted")
        elif (commit := repo.find(unquote(revision))) is None:
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repo, commit
        return None

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self.hub.broken:
            self._answer(self.hub.broken)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            if (opened := self._open(found[1], found[2] or "main")) is not None:
                files = [{"rfilename": name} for name in sorted(opened[0].revisions[opened[1]])]
                self._answer(200, {"id": found[1], "sha": opened[1], "siblings": files, "private": opened[0].private})
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            if (opened := self._open(found[1], found[2])) is not None:
                data = opened[0].revisions[opened[1]].get(unquote(found[3]))
                if data is None:
                    self._fail(404, "EntryNotFound", "Entry not found")
                else:
                    digest = hashlib.sha1(data).hexdigest()
                    self._answer(200, data, ETag=f'"{digest}"', X_Repo_Commit=opened[1])
        else:
            self._fail(404, "", f"the stand-in does not know {path}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        if self.hub.broken:
            self._answer(self.hub.broken)
        elif not self._writes:
            self._fail(401, "", "Invalid username or password.")
        elif path == "/api/validate-yaml":
            page = json.loads(body)["content"]
            wrong = [] if re.match(r"---\n(?:[a-z_]+: .+\n)+---\n", page) else [{"message": "no front matter"}]
            self._answer(200, {"errors": wrong, "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/([^/]+)", path):
            if self._open(found[1], found[2]) is not None:
                files = [
                    {"path": entry["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                    for entry in json.loads(body)["files"]
                ]
                self._answer(200, {"files": files})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/([^/]+)", path):
            if (opened := self._open(found[1], found[2])) is not None:
                lines = [json.loads(line) for line in body.splitlines()]
                added = [line["value"] for line in lines if line["key"] == "file"]
                files = {entry["path"]: base64.b64decode(entry["content"]) for entry in added}
                commit = opened[0].commit(files)
                url = f"{self.hub.url}/{found[1]}/commit/{commit}"
                self._answer(200, {"success": True, "commitUrl": url, "commitOid": commit})
        else:
            self._fail(404, "", f"the stand-in does not know {path}")

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or 'alice'}/{asked['name']}"
        if not name.startswith("alice/"):
            self._fail(403, "", "You don't have the rights to create a model under this namespace")
        elif name in self.hub.repos:
            self._answer(409, {"error": "You already created this model repo", "url": f"{self.hub.url}/{name}"})
        else:
            self.hub.repos[name] = Repo(private=asked.get("visibility") == "private" or bool(asked.get("private")))
            self.hub.repos[name].commit({".gitattributes": b"*.onnx filter=lfs\n"})
            self._answer(200, {"url": f"{self.hub.url}/{name}", "name": name})


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub for the time of the context."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        hub.url = f"http://127.0.0.1:{server.server_port}"
        yield hub
        server.shutdown()
