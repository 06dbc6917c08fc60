import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fststyle.errors import ModelFileError
from fststyle.model import gallery
from fststyle.model.file import read_model
from fststyle.model.gallery import advice_for, find_network, networks

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with `great_wave`, `scream` and `starry_night` inside; the current folder is another one."""
    package = tmp_path / "fststyle"
    for name in ("starry_night", "great_wave", "scream"):
        path = package / "networks" / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    monkeypatch.setattr(gallery, "_PACKAGE", package)
    return package / "networks"


def test_a_checkout_has_them_in_models() -> None:
    assert networks() == {path.stem: path for path in sorted((ROOT / "models").glob("*.onnx"))}
    assert "starry_night" in networks()


def test_a_wheel_has_them_inside(shelf: Path) -> None:
    assert list(networks()) == ["great_wave", "scream", "starry_night"]
    assert find_network(Path("scream")) == shelf / "scream.onnx"


def test_a_file_of_that_name_wins_and_a_folder_does_not(shelf: Path) -> None:
    Path("scream").touch()
    Path("great_wave").mkdir()
    assert find_network(Path("scream")) == Path("scream")
    assert find_network(Path("great_wave")) == shelf / "great_wave.onnx"


@pytest.mark.parametrize("path", ["scream.onnx", "./elsewhere/scream", "../scream"])
def test_paths_stay_paths(shelf: Path, path: str) -> None:
    assert find_network(Path(path)) == Path(path)


def test_a_wrong_name_gets_the_nearest(shelf: Path) -> None:
    with pytest.raises(ModelFileError, match=r"called stary_night; did you mean starry_night\? `fststyle models`"):
        find_network(Path("stary_night"))
    with pytest.raises(ModelFileError, match="did you mean great_wave"):
        find_network(Path("Wave"))
    with pytest.raises(ModelFileError, match="called zzz; `fststyle models` lists"):
        find_network(Path("zzz"))


@pytest.mark.parametrize("path", ["models/starry_night.onnx", "stary_nigth.onnx", "there/Starry_Night.ONNX"])
def test_a_file_that_is_missing_leads_to_the_network_that_ships(shelf: Path, path: str) -> None:
    with pytest.raises(ModelFileError, match=rf"{path} does not exist; .* say starry_night alone"):
        read_model(Path(path))
    assert [advice_for(Path(name)) for name in ("mine.onnx", "starry_night.jpg")] == ["check the path"] * 2


def test_the_wheel_holds_every_network_and_nothing_that_shows_them(tmp_path: Path) -> None:
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith("fststyle-")}
        assert {name.split("/")[0] for name in held} == {"fststyle"}
        assert {name for name in held if name.startswith("fststyle/networks/")} == {
            f"fststyle/networks/{path.name}" for path in networks().values()
        }
        for name, path in networks().items():
            assert archive.read(f"fststyle/networks/{name}.onnx") == path.read_bytes()
