"""Networks put on a stand-in of the hub, with a page made from their card."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT
from hub_server import TOKEN, Hub, Repo
from PIL import Image
from typer.testing import CliRunner

from fststyle import Stylizer
from fststyle.cli import app
from fststyle.errors import FststyleError, ModelFileError
from fststyle.hub.page import page_of
from fststyle.hub.publish import publish
from fststyle.model.file import read_model

TINY = ROOT / "models" / "udnie_tiny.onnx"


@pytest.fixture
def in_(log_in: Callable[[], None]) -> None:
    log_in()


def test_what_is_published_can_be_used_by_name(hub: Hub, in_: None) -> None:
    done = publish("udnie_tiny", "alice/udnie.v2")
    assert (done.name, done.url) == ("hf:alice/udnie.v2", f"{hub.url}/alice/udnie.v2")
    repo = hub.repos["alice/udnie.v2"]
    assert (repo.private, repo.names["main"]) == (False, done.commit)
    files = repo.revisions[done.commit]
    assert sorted(files) == [".gitattributes", "README.md", "model.onnx", "preview.jpg"]
    assert files["model.onnx"] == TINY.read_bytes()
    with Image.open(io.BytesIO(files["preview.jpg"])) as preview:
        assert preview.size == (4 * 256 + 3 * 4, 2 * 256 + 4)
    assert Stylizer(done.name).card == read_model(TINY).card


def test_the_page_says_what_the_card_says(hub: Hub, in_: None) -> None:
    done = publish("udnie_tiny", "alice/udnie")
    page = hub.repos["alice/udnie"].revisions[done.commit]["README.md"].decode()
    card: Any = pytest.importorskip("huggingface_hub").ModelCard(page)
    assert card.data.to_dict() == {
        "license": "mit",
        "library_name": "fststyle",
        "pipeline_tag": "image-to-image",
        "tags": ["style-transfer", "onnx", "fststyle"],
    }
    ours = read_model(TINY).card
    assert ours is not None
    for part in (
        "# udnie",
        "*Francis Picabia, Udnie, 1913*",
        "fststyle stylize hf:alice/udnie photo.jpg",
        'Stylizer("hf:alice/udnie")',
        f"{TINY.stat().st_size:,} bytes, ONNX opset 18",
        "any size from 20 pixels a side",
        f"{ours.steps:,} steps",
        ours.weights_sha256,
    ):
        assert part in page, part
    recipe = page.partition("```json")[2].partition("```")[0]
    assert json.loads(recipe) == ours.recipe


@pytest.mark.parametrize(
    ("licence", "fields"),
    [
        ("CC BY 4.0", ['license: "cc-by-4.0"']),
        ("unspecified", ['license: "other"', 'license_name: "unspecified"']),
        ("My own: ask\nme", ['license: "other"', 'license_name: "my-own-ask-me"']),
    ],
)
def test_a_card_cannot_break_the_page(licence: str, fields: list[str]) -> None:
    file = read_model(TINY)
    assert file.card is not None
    card = replace(file.card, licence=licence, painting='<img src="x">|a\n---\n# `b`', recipe={"note": "```"})
    page = page_of(file, card, "alice/udnie")
    front, rest = page.removeprefix("---\n").split("\n---\n", 1)
    assert front.splitlines()[: len(fields)] == fields
    assert "<img" not in rest.replace(r"\<img", "")
    assert rest.count("```") == 6
    assert r"\|a --- # \`b\`" in rest


def test_a_second_version_is_asked_for(hub: Hub, in_: None) -> None:
    first = publish("udnie_tiny", "alice/udnie")
    with pytest.raises(FststyleError, match=r"holds README.md and model.onnx and preview.jpg already; say --replace"):
        publish("udnie", "alice/udnie")
    assert hub.repos["alice/udnie"].names["main"] == first.commit
    second = publish("udnie", "alice/udnie", replace=True, message="Larger")
    repo = hub.repos["alice/udnie"]
    assert repo.revisions[second.commit]["model.onnx"] == (ROOT / "models" / "udnie.onnx").read_bytes()
    assert Stylizer(f"hf:alice/udnie@{first.commit}").card == read_model(TINY).card


def test_a_repository_of_something_else_keeps_its_page(hub: Hub, in_: None) -> None:
    hub.repos["alice/notes"] = Repo()
    hub.repos["alice/notes"].commit({"README.md": b"my notes", "a.txt": b""})
    with pytest.raises(FststyleError, match=r"alice/notes holds README.md already"):
        publish("udnie_tiny", "alice/notes")
    hub.repos["alice/files"] = Repo()
    hub.repos["alice/files"].commit({"a.txt": b""})
    done = publish("udnie_tiny", "alice/files")
    assert "a.txt" in hub.repos["alice/files"].revisions[done.commit]


def test_a_private_one(hub: Hub, in_: None, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("udnie_tiny", "hf:alice/secret", private=True)
    assert hub.repos["alice/secret"].private
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ModelFileError, match="has no alice/secret, or it is private"):
        read_model("hf:alice/secret")


@pytest.mark.parametrize(
    ("repo", "words"),
    [
        ("alice", "'alice' is no repository of the hub; write USER/NAME"),
        ("alice/a b", "is no repository of the hub"),
        ("alice/a--b", "is no name that the hub takes"),
        ("bob/udnie", "you may not write to bob/udnie (403"),
    ],
)
def test_repositories_that_will_not_do(hub: Hub, in_: None, repo: str, words: str) -> None:
    done = CliRunner().invoke(app, ["publish", "udnie_tiny", repo])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
    assert words in done.stderr
    assert hub.repos == {}


def test_networks_that_will_not_do(hub: Hub, in_: None, assets: dict[str, Any], save: Callable[..., Path]) -> None:
    with pytest.raises(ModelFileError, match="was not made by fststyle, so there is nothing to write its page from"):
        publish(save(assets["gain_model"]()), "alice/other")
    broken = save(assets["gain_model"](), name="broken.onnx")
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(ModelFileError, match=r"broken\.onnx"):
        publish(broken, "alice/other")
    assert hub.asked == []


def test_without_a_login_a_connection_or_a_hub_that_works(
    hub: Hub, log_in: Callable[[], None], offline: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FststyleError, match="does not know who you are; log in: hf auth login, or set HF_TOKEN"):
        publish("udnie_tiny", "alice/udnie")
    log_in()
    hub.broken = 503
    with pytest.raises(FststyleError, match=r"the hub refuses alice/udnie \(503 .*try again later"):
        publish("udnie_tiny", "alice/udnie")
    offline()
    with pytest.raises(FststyleError, match=r"cannot be reached \(.+\); nothing was published"):
        publish("udnie_tiny", "alice/udnie")
    assert hub.repos == {}


def test_as_a_command_with_the_environment_that_people_set(hub: Hub, tmp_path: Path) -> None:
    """In a process of its own, which reads $HF_ENDPOINT, $HF_HOME and $HF_TOKEN."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_TOKEN": TOKEN,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fststyle", *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("publish", "udnie_tiny", "alice/udnie")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{hub.url}/alice/udnie (commit ")
    assert second == "next: fststyle stylize hf:alice/udnie photo.jpg"
    done = run("info", "hf:alice/udnie", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["card"]["style"] == "udnie"
    environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    done = run("info", "hf:alice/udnie")
    assert done.returncode == 0
    assert done.stderr.startswith("note: the hub cannot be reached (")
    assert done.stderr.endswith("hf:alice/udnie is taken from its cache\n")
