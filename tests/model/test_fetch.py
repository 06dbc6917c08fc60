"""Networks that the wheel leaves out, from a server on this machine."""

import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fststyle.cli import app
from fststyle.errors import ModelFileError
from fststyle.model import gallery
from fststyle.model.file import read_model
from fststyle.model.gallery import fetchable, find_network, is_network, networks

ASKED: list[str] = []


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        ASKED.append(self.path)


class _CutOff(_Handler):
    """Goes away in the middle of the file, like a bad line."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"half")


@pytest.fixture
def shelf(tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel has `small`, and `large` only in its registry. Gives the folder that has the file of `large`."""
    inside, served = tmp_path / "fststyle" / "networks", tmp_path / "server"
    inside.mkdir(parents=True)
    served.mkdir()
    shutil.copy(identity, inside / "small.onnx")
    shutil.copy(identity, served / "large.onnx")
    entry = {"style": "plain", "painting": "Nobody, Plain, 2026", "network": "johnson", "licence": "MIT"}
    entry |= {"size": identity.stat().st_size, "sha256": hashlib.sha256(identity.read_bytes()).hexdigest()}
    (inside / "registry.json").write_text(json.dumps({"large": entry}), "utf-8")
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    monkeypatch.setattr(gallery, "_PACKAGE", inside.parent)
    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FSTSTYLE_NETWORKS_URL", str(served))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return served


def serve(handler: type[http.server.BaseHTTPRequestHandler], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    ASKED.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("FSTSTYLE_NETWORKS_URL", f"{url}/")
        yield url
        server.shutdown()


@pytest.fixture
def server(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = str(shelf)

    class Handler(_Handler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=folder)  # type: ignore[arg-type]

    yield from serve(Handler, monkeypatch)


@pytest.fixture
def cut_off(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from serve(_CutOff, monkeypatch)


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.relative_to(tmp_path / "cache").as_posix() for path in (tmp_path / "cache").rglob("*.*"))


def test_it_is_fetched_once(server: str, shelf: Path, tmp_path: Path, identity: Path) -> None:
    assert list(networks()) == ["small"]
    assert is_network("large")
    for _ in range(2):
        path = find_network(Path("large"))
        assert path == tmp_path / "cache" / "networks" / "large.onnx"
        assert path.read_bytes() == identity.read_bytes()
    assert ASKED == ["/large.onnx"]
    assert kept(tmp_path) == ["networks/large.onnx"]
    assert networks() == {"large": path, "small": find_network(Path("small"))}
    assert read_model(Path("large")).data == identity.read_bytes()


def test_a_folder_will_do(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_network(Path("large")).is_file()
    find_network(Path("large")).unlink()
    monkeypatch.setenv("FSTSTYLE_NETWORKS_URL", shelf.as_uri())
    assert find_network(Path("large")).is_file()


def test_put_there_by_hand(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSTSTYLE_NETWORKS_URL", "http://127.0.0.1:9")
    (tmp_path / "cache" / "networks").mkdir(parents=True)
    shutil.copy(shelf / "large.onnx", tmp_path / "cache" / "networks" / "large.onnx")
    assert find_network(Path("large")) == networks()["large"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "gopher://example.invalid", "http://[", "/no/such/folder"])
def test_without_network_one_line_says_what_to_do(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("FSTSTYLE_NETWORKS_URL", address)
    done = CliRunner().invoke(app, ["info", "large"])
    assert done.exit_code == 1
    *_, line = done.stderr.splitlines()
    assert line.startswith("error: cannot fetch large from ")
    for part in ("large.onnx", fetchable()["large"].sha256, str(tmp_path / "cache" / "networks")):
        assert part in line
    assert kept(tmp_path) == []


def test_a_server_that_lacks_it(server: str, shelf: Path, tmp_path: Path) -> None:
    (shelf / "large.onnx").unlink()
    with pytest.raises(ModelFileError, match=f"cannot fetch large from {server}/large.onnx .*; go online once, or put"):
        find_network(Path("large"))
    assert kept(tmp_path) == []


def test_half_a_file(cut_off: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"sent 4 of [\d,]+ bytes of large|cannot fetch large"):
        find_network(Path("large"))
    assert kept(tmp_path) == []


@pytest.mark.parametrize("longer", [b"", b"more"])
def test_another_file_is_refused(server: str, shelf: Path, tmp_path: Path, longer: bytes) -> None:
    data = bytearray((shelf / "large.onnx").read_bytes() + longer)
    data[-1] ^= 1
    (shelf / "large.onnx").write_bytes(data)
    with pytest.raises(
        ModelFileError, match=rf"sent another file, .* as the network large.* {fetchable()['large'].sha256}"
    ):
        find_network(Path("large"))
    assert kept(tmp_path) == []


@pytest.mark.parametrize("longer", [b"", b"more"])
def test_another_file_in_the_cache_is_refused_and_kept(shelf: Path, tmp_path: Path, longer: bytes) -> None:
    path = find_network(Path("large"))
    data = bytearray(path.read_bytes() + longer)
    data[-1] ^= 1
    path.write_bytes(data)
    found, wanted = hashlib.sha256(data).hexdigest(), fetchable()["large"].sha256
    with pytest.raises(
        ModelFileError, match=f"large.onnx is not the network large: .*{found}, not {wanted}; delete it"
    ):
        find_network(Path("large"))
    assert path.read_bytes() == data


def test_a_cache_that_cannot_be_written(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(ModelFileError, match=r"cannot keep large .*FSTSTYLE_CACHE"):
        find_network(Path("large"))


def test_names_that_are_nearly_right(shelf: Path) -> None:
    with pytest.raises(ModelFileError, match="did you mean large"):
        find_network(Path("lagre"))
    with pytest.raises(ModelFileError, match="say large alone"):
        read_model(Path("models/large.onnx"))


def test_the_list_says_which_are_here(shelf: Path, tmp_path: Path) -> None:
    def listed(*options: str) -> str:
        return CliRunner().invoke(app, ["models", *options], env={"COLUMNS": "200"}).stdout

    rows = listed().splitlines()[1:]
    assert [(row.split()[0], row.rstrip().endswith("to fetch")) for row in rows] == [("large", True), ("small", False)]
    large, small = json.loads(listed("--json"))
    path = tmp_path / "cache" / "networks" / "large.onnx"
    assert (large["here"], small["here"]) == (False, True)
    assert large["url"] == (shelf / "large.onnx").as_uri()
    assert large["goes_to"] == str(path)
    assert large["painting"] == "Nobody, Plain, 2026"

    find_network(Path("large"))
    assert "to fetch" not in listed()
    assert json.loads(listed("--json"))[0]["path"] == str(path)


def test_commands_say_that_they_fetch(shelf: Path) -> None:
    done = CliRunner().invoke(app, ["info", "large", "--json"])
    assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith("note: fetching large, 0.0 MB, from file:")
    assert CliRunner().invoke(app, ["info", "large"]).stderr == ""
