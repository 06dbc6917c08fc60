"""A row that was interrupted goes on as what it was, or says what to do."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fststyle.training import export
from fststyle.training.cli import main as train
from fststyle.training.fit.finished import CHECKPOINT
from fststyle.training.many import row
from fststyle.training.many.plan import REFUSED, Request, State, request_of, state_of
from fststyle.training.many.sheet import Row
from fststyle.training.remedies import AFTER_NAN, GIVE_CHECKPOINT, GO_BACK, GO_ON, TAKE_LESS, WITHOUT_PHOTOS, in_a_sheet


@pytest.fixture(scope="module")
def settings(train_arguments: list[str]) -> dict[str, str]:
    words = [word.lstrip("-") for word in train_arguments]
    return dict(zip(words[::2], words[1::2], strict=True)) | {"steps": "4", "seed": "1"}


@pytest.fixture(scope="module")
def run(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = request_of(Row(1, 2, "wave", "wave", settings), tmp_path_factory.mktemp("many"), {}, 1)
    assert train(list(asked.arguments)) == 0
    return asked.folder


@pytest.fixture
def interrupted(settings: dict[str, str], run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """Killed between the last of its four steps and its export, which takes a moment here."""
    monkeypatch.setattr(row, "end_with", lambda _: None)
    monkeypatch.setattr(export, "export_checkpoint", exported)
    asked = request_of(Row(1, 2, "wave", "wave", settings), tmp_path, {}, 1)
    shutil.copytree(run, asked.folder)
    asked.write()
    return asked


def exported(checkpoint: Path, network: Path, *, licence: str | None) -> None:
    network.write_bytes(checkpoint.read_bytes())


def changed(request: Request, **settings: str) -> Request:
    left = [word for word in request.arguments if word[2:].partition("=")[0] not in settings]
    return replace(request, arguments=(*left, *(f"--{name}={value}" for name, value in settings.items() if value)))


def do(request: Request) -> int:
    return row.main([request.text(), str(os.getpid())])


def refused(request: Request, capsys: pytest.CaptureFixture[str], status: int = 1) -> str:
    """What is said of a request that leaves no network."""
    assert do(request) == status
    assert not request.network.exists()
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "--resume" not in said
    assert "--force" not in said
    return said


def test_a_row_that_was_killed_before_its_export_is_exported(interrupted: Request) -> None:
    assert do(interrupted) == 0
    assert interrupted.network.is_file()
    assert State.read(interrupted.folder).steps == 4


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ({"steps": "2"}, "this row began with steps = 4, not steps = 2"),
        ({"steps": "", "minutes": "0.01"}, "this row began with steps = 4, not minutes = 0.01"),
        ({"steps": ""}, "this row began with steps = 4, not the usual length"),
        ({"steps": "few"}, "this row began with steps = 4, not steps = few"),
    ],
)
def test_a_row_with_steps_is_not_done_by_asking_for_fewer(
    end: dict[str, str], says: str, interrupted: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(changed(interrupted, **end), capsys, REFUSED)
    assert f"{says}; restore what it was, or remove {interrupted.folder} to train it anew" in said
    assert Request.read(interrupted.folder) == interrupted


def test_more_steps_than_a_config_asks_for(interrupted: Request, capsys: pytest.CaptureFixture[str]) -> None:
    without = changed(interrupted, steps="")
    without.write()
    (interrupted.folder.parent / "short.yaml").write_text("trainer:\n  max_steps: 2\n")
    said = refused(changed(without, config=str(interrupted.folder.parent / "short.yaml")), capsys)
    assert "has 4 steps, more than the 2 asked for; restore what it was" in said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("style-weight", "3", "began with style_weight = 1.0, not 3.0"),
        ("seed", "7", "began with seed = 1, not 7"),
        ("model.network", "tiny", "trains fast at width 0.25, not tiny"),
        ("data.root", "no photos", "no photos"),
    ],
)
def test_another_recipe_is_refused_though_all_steps_are_made(
    name: str, value: str, says: str, interrupted: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(changed(interrupted, **{name: value}), capsys)
    assert Request.read(interrupted.folder) == interrupted  # so that it goes on when its settings are back


def test_a_row_may_end_later(interrupted: Request) -> None:
    assert do(changed(interrupted, steps="5")) == 0
    assert State.read(interrupted.folder).steps == 5


def test_a_row_without_a_step_takes_any_settings(interrupted: Request) -> None:
    (interrupted.folder / CHECKPOINT).unlink()
    assert do(changed(interrupted, steps="2", seed="7")) == 0
    assert State.read(interrupted.folder).steps == 2


def test_a_network_that_was_moved_away_is_exported_without_its_photos(
    interrupted: Request, photo_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(photo_folder, tmp_path / "photos")
    before = changed(interrupted, **{"data.root": str(tmp_path / "photos")})
    assert do(before) == 0
    content = before.network.read_bytes()
    before.network.unlink()
    shutil.rmtree(tmp_path / "photos")
    assert do(before) == 0
    assert before.network.read_bytes() == content


def test_a_broken_checkpoint_says_how_to_begin_anew(interrupted: Request, capsys: pytest.CaptureFixture[str]) -> None:
    (interrupted.folder / CHECKPOINT).write_bytes(b"half of it")
    assert f"; remove {interrupted.folder} to train it anew" in refused(interrupted, capsys)


@pytest.mark.parametrize("remedy", [AFTER_NAN, GIVE_CHECKPOINT, GO_BACK, GO_ON, TAKE_LESS, WITHOUT_PHOTOS])
def test_remedies_are_those_of_a_sheet(remedy: str, tmp_path: Path) -> None:
    said = in_a_sheet(f"so it is; {remedy}", tmp_path)
    assert str(tmp_path) in said
    assert not any(option in said for option in ("--resume", "--force", "--out"))


def test_a_missing_checkpoint_to_begin_from_is_no_reason_to_remove_the_row(tmp_path: Path) -> None:
    said = in_a_sheet(f"no checkpoint at old.ckpt; {GIVE_CHECKPOINT}", tmp_path)
    assert said.endswith("if it is the row's own, else give the last.ckpt of a training")


def test_a_row_whose_state_is_broken_goes_on(interrupted: Request) -> None:
    (interrupted.folder / "state.json").write_text('{"status": ["done"], "seconds": {}}')
    assert state_of(interrupted).status == "waiting"
    assert do(interrupted) == 0
    assert State.read(interrupted.folder).status == "done"
