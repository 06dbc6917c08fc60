import sys
import tempfile
from pathlib import Path

import pytest

from fststyle.system.cache import cache_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FSTSTYLE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("linux", ".cache/fststyle"), ("darwin", "Library/Caches/fststyle"), ("win32", "local/fststyle")],
)
def test_every_system_has_its_place(home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, folder: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("LOCALAPPDATA", str(home / "local"))
    assert cache_folder() == home / folder


def test_variables_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    assert cache_folder() == home / "xdg" / "fststyle"
    monkeypatch.setenv("FSTSTYLE_CACHE", "~/mine")
    assert cache_folder() == home / "mine"
    monkeypatch.setenv("FSTSTYLE_CACHE", "~nobody-of-that-name/mine")
    assert cache_folder() == Path("~nobody-of-that-name/mine")


def test_an_account_without_a_home_has_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", nowhere)
    assert cache_folder() == Path(tempfile.gettempdir()) / "fststyle"
