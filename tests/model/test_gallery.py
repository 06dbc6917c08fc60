import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fststyle.errors import ModelFileError
from fststyle.model import gallery
from fststyle.model.fetch import read_registry
from fststyle.model.file import read_model
from fststyle.model.gallery import advice_for, fetchable, find_network, networks

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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_small_networks_and_nothing_that_shows_them(wheel: Path) -> None:
    registry = read_registry(ROOT / "models" / "registry.json")
    small = {name: path for name, path in networks().items() if name not in registry}
    assert len(small) == 13
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith("fststyle-")}
        assert {name.split("/")[0] for name in held} == {"fststyle"}
        assert {name for name in held if name.startswith("fststyle/networks/")} == {
            "fststyle/networks/registry.json",
            *(f"fststyle/networks/{name}.onnx" for name in small),
        }
        for name, path in small.items():
            assert archive.read(f"fststyle/networks/{name}.onnx") == path.read_bytes()
        weights = {Path(name).stem for name in held if name.endswith(".safetensors")}
    assert weights == {"slim", "medium", "vgg19"}


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= 20e6


@pytest.mark.network
def test_an_installation_is_small(wheel: Path, tmp_path: Path) -> None:
    """With everything that it depends on."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", tmp_path / "site", wheel]
    subprocess.run(command, check=True, timeout=600)
    assert sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file()) <= 250e6


def test_the_registry_has_what_the_wheel_leaves_out() -> None:
    """`scripts/recipes/train_gallery.py --no-training` writes it."""
    noted = dict(line.split()[::-1] for line in (ROOT / "models" / "SHA256SUMS").read_text("utf-8").splitlines())
    registry = read_registry(ROOT / "models" / "registry.json")
    assert set(registry) < set(networks())
    for name, remote in registry.items():
        file = read_model(networks()[name])
        assert file.card is not None
        card = (file.card.style, file.card.painting, file.card.network, file.card.licence)
        assert card == (remote.style, remote.painting, remote.network, remote.licence)
        assert (remote.size, remote.sha256) == (len(file.data), noted[f"{name}.onnx"])
    assert fetchable() == {}  # a checkout has them
