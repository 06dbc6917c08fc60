"""Names such as hf:USER/NAME, from a stand-in of the hub."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from hub_server import Hub, Repo
from typer.testing import CliRunner

from fststyle import Stylizer
from fststyle.cli import app
from fststyle.errors import ModelFileError
from fststyle.model.file import read_model
from fststyle.model.gallery import find_network, is_network
from fststyle.model.hub import HubName, parse_hub_name
from fststyle.paint.blend import parse_blend
from fststyle.pictures.files import read_picture, write_picture

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf:alice/wave", HubName("alice/wave")),
        ("hf://alice/wave", HubName("alice/wave")),
        ("hf:alice/great.wave-2_b", HubName("alice/great.wave-2_b")),
        ("hf:alice/wave@v1.0", HubName("alice/wave", "v1.0")),
        ("hf:alice/wave@" + COMMIT, HubName("alice/wave", COMMIT)),
        ("hf:alice/wave@refs/pr/3", HubName("alice/wave", "refs/pr/3")),
        ("hf:alice/wave/tiny.onnx", HubName("alice/wave", None, "tiny.onnx")),
        ("hf:alice/wave/a/b c/tiny.v2.onnx", HubName("alice/wave", None, "a/b c/tiny.v2.onnx")),
        ("hf:alice/wave@refs/pr/3/a/tiny.onnx", HubName("alice/wave", "refs/pr/3", "a/tiny.onnx")),
    ],
)
def test_names(text: str, name: HubName) -> None:
    assert parse_hub_name(text) == name
    assert parse_hub_name(str(name)) == name
    assert is_network(text)


@pytest.mark.parametrize(
    "text", ["hf:", "hf:wave", "hf:alice/", "hf:alice/wave@", "hf:alice/wave/readme.md", "hf:a/b/c", "hf:a b/c"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ModelFileError, match=r"no name of a network on the hub; write hf:USER/NAME, "):
        find_network(Path(text))


def test_a_blend_of_them() -> None:
    text = "hf:alice/wave:0.7,hf:bob/scream@v1,udnie:2"
    assert parse_blend(text) == [(Path("hf:alice/wave"), 0.7), (Path("hf:bob/scream@v1"), 1.0), (Path("udnie"), 2.0)]


@pytest.fixture
def wave(hub: Hub, identity: Path) -> Repo:
    """alice/wave: v1 is the identity, and the newest is another file."""
    repo = hub.repos["alice/wave"] = Repo()
    repo.commit({"model.onnx": identity.read_bytes(), "sub/other.onnx": b"other"}, "v1", "refs/pr/1")
    repo.commit({"model.onnx": identity.read_bytes() + b"\x7a\x00"})
    return repo


def test_it_is_fetched_once_and_asked_for_again(hub: Hub, wave: Repo, identity: Path) -> None:
    path = find_network(Path("hf:alice/wave@v1"))
    assert path.name == "model.onnx"
    assert path.read_bytes() == identity.read_bytes()
    assert find_network(Path("hf:alice/wave@v1")) == path
    assert sum(line.startswith("GET /alice/wave/resolve") for line in hub.asked) == 1
    assert read_model(Path("hf:alice/wave@v1")).card is not None
    assert Stylizer("hf:alice/wave@v1").style == "identity"
    assert Stylizer("hf:alice/wave@v1").called == "wave"
    assert find_network(Path("hf:alice/wave")) != path
    assert find_network(Path("hf:alice/wave@v1/sub/other.onnx")).read_bytes() == b"other"
    assert find_network(Path("hf:alice/wave@refs/pr/1")) == path


def test_a_file_of_that_name_wins(wave: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hf:alice").mkdir()
    (tmp_path / "hf:alice" / "wave").touch()
    assert find_network(Path("hf:alice/wave")) == Path("hf:alice/wave")


def test_without_a_connection_the_cache_will_do(hub: Hub, wave: Repo, offline: Callable[[], None]) -> None:
    path, other = find_network(Path("hf:alice/wave")), find_network(Path("hf:alice/wave/sub/other.onnx"))
    offline()
    assert find_network(Path("hf:alice/wave")) == path
    assert find_network(Path("hf:alice/wave/sub/other.onnx")) == other
    for name in ("hf:alice/wave@v1", "hf:bob/scream", "hf:alice/wave/more.onnx"):
        with pytest.raises(ModelFileError, match=rf"hub cannot be reached \(.*\), and {name} is not in its cache"):
            find_network(Path(name))


def test_when_told_to_stay_offline(hub: Hub, wave: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    path = find_network(Path("hf:alice/wave"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.asked)
    assert find_network(Path("hf:alice/wave")) == path
    with pytest.raises(ModelFileError, match="is not in its cache; go online once"):
        find_network(Path("hf:bob/scream"))
    assert len(hub.asked) == asked


def test_the_one_that_is_there(hub: Hub, identity: Path) -> None:
    repo = hub.repos["bob/styles"] = Repo()
    repo.commit({"README.md": b"hello"}, "empty")
    repo.commit({"only.onnx": identity.read_bytes()}, "one")
    repo.commit({"two.onnx": identity.read_bytes(), "a/three.onnx": b""})
    assert find_network(Path("hf:bob/styles@one")).name == "only.onnx"
    with pytest.raises(ModelFileError, match=r"holds no \.onnx file; name another"):
        find_network(Path("hf:bob/styles@empty"))
    with pytest.raises(ModelFileError, match=r"holds 3 networks; say hf:bob/styles/a/three.onnx or .*/two.onnx$"):
        find_network(Path("hf:bob/styles"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "hf:alice/nothing",
            "the hub has no alice/nothing, or it is private; check the name, or log in: hf auth login",
        ),
        ("hf:alice/nothing/a.onnx", "the hub has no alice/nothing, or it is private"),
        ("hf:alice/hidden", "the hub has no alice/hidden, or it is private"),
        ("hf:alice/gated", "alice/gated asks for consent first"),
        ("hf:alice/wave@v9", "alice/wave has no revision v9; leave it out"),
        (
            "hf:alice/wave/tiny.onnx",
            "alice/wave has no tiny.onnx; say hf:alice/wave/model.onnx or hf:alice/wave/sub/other.onnx",
        ),
    ],
)
def test_what_is_not_there_or_not_for_you(hub: Hub, wave: Repo, name: str, words: str) -> None:
    hub.repos["alice/hidden"] = Repo(private=True)
    hub.repos["alice/gated"] = Repo(gated=True)
    for repo in ("alice/hidden", "alice/gated"):
        hub.repos[repo].commit({"model.onnx": b""})
    done = CliRunner().invoke(app, ["info", name])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
    assert words in done.stderr


def test_a_private_one_after_logging_in(hub: Hub, log_in: Callable[[], None], identity: Path) -> None:
    hub.repos["alice/hidden"] = Repo(private=True)
    hub.repos["alice/hidden"].commit({"model.onnx": identity.read_bytes()})
    log_in()
    assert find_network(Path("hf:alice/hidden")).read_bytes() == identity.read_bytes()


def test_a_hub_that_is_down(hub: Hub, wave: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = find_network(Path("hf:alice/wave"))
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.broken = 500
    assert find_network(Path("hf:alice/wave")) == kept
    with pytest.raises(ModelFileError, match=r"hf:bob/scream"):
        find_network(Path("hf:bob/scream"))


def test_a_broken_file_is_refused_like_any_other(hub: Hub) -> None:
    hub.repos["bob/broken"] = Repo()
    hub.repos["bob/broken"].commit({"model.onnx": b"version https://git-lfs.github.com/spec/v1\n"})
    with pytest.raises(ModelFileError, match="is a Git LFS pointer"):
        read_model(Path("hf:bob/broken"))


def test_commands_take_them_and_say_nothing_else(hub: Hub, wave: Repo, tmp_path: Path, photo: Any) -> None:
    write_picture(tmp_path / "a.png", photo)
    arguments = ["stylize", "hf:alice/wave@v1", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert len(done.stderr.splitlines()) == 1  # what it wrote
    assert (read_picture(tmp_path / "b.png").rgb == photo).all()


def test_a_cache_that_cannot_be_written(hub: Hub, wave: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelFileError, match=r"cannot be kept \(.*\); set HF_HOME"):
        find_network(Path("hf:alice/wave"))


WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "huggingface_hub":
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocker())
from fststyle.cli import main
main()
"""


@pytest.mark.parametrize("command", [["info", "hf:alice/wave"], ["publish", "udnie", "alice/wave"]])
def test_without_the_extra(run_python: Callable[..., CompletedProcess[bytes]], command: list[str]) -> None:
    done = run_python("-c", WITHOUT, *command)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "error: this needs huggingface_hub, which is not installed; pip install 'fststyle[hub]'\n"
    )
