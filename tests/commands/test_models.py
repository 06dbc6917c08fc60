import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fststyle import samples
from fststyle.cli import app
from fststyle.model.file import read_model
from fststyle.model.gallery import networks
from fststyle.pictures.files import read_picture


def test_the_list_is_what_ships() -> None:
    result = CliRunner().invoke(app, ["models"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    heading, *rows = result.stdout.splitlines()
    assert heading.split() == ["name", "painting", "network", "MB", "where"]
    assert [row.split()[0] for row in rows] == list(networks())
    assert all(row.rstrip().endswith("here") for row in rows)


def test_for_programs() -> None:
    first = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)[0]
    name, path = next(iter(networks().items()))
    card = read_model(path).card
    assert card is not None
    assert first == {
        "name": name,
        "style": card.style,
        "painting": card.painting,
        "network": card.network,
        "licence": card.licence,
        "bytes": path.stat().st_size,
        "here": True,
        "path": str(path),
    }


def test_commands_take_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    info = CliRunner().invoke(app, ["info", "starry_night", "--json"])
    assert json.loads(info.stdout)["file"] == "starry_night.onnx"
    photo = samples.photos()[0]
    done = CliRunner().invoke(app, ["stylize", "starry_night", str(photo), "-o", "a.png", "--max-side", "96"])
    assert done.exit_code == 0, done.stderr
    assert max(read_picture(Path("a.png")).rgb.shape) == 96


def test_a_wrong_name_is_one_line() -> None:
    done = CliRunner().invoke(app, ["stylize", "stary_night", "a.jpg"])
    assert done.exit_code == 1
    assert done.stderr.startswith("error: there is neither a file nor a network called stary_night; did you mean")
    assert done.stderr.count("\n") == 1
