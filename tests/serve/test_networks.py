"""The list of networks that a server offers."""

import shutil
from pathlib import Path

import pytest

from fststyle.errors import FststyleError
from fststyle.model.gallery import find_network
from fststyle.serve.networks import Networks
from fststyle.serve.settings import Settings


def copies(folder: Path, *names: str) -> tuple[str, ...]:
    source = find_network(Path("udnie_tiny"))
    return tuple(str(shutil.copy(source, folder / f"{name}.onnx")) for name in names)


def test_networks_of_one_title_and_architecture_are_told_apart(tmp_path: Path) -> None:
    settings = Settings(tmp_path, (*copies(tmp_path, "one", "two"), "starry_night_tiny"))
    titles = [offer.title for offer in Networks(settings).offers()]
    assert titles[:2] == ["one", "two"]
    assert len(set(titles)) == 3


@pytest.mark.parametrize("name", ["a,b", "a:b"])
def test_a_name_that_reads_as_a_blend_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FststyleError, match="rename"):
        Networks(Settings(tmp_path, copies(tmp_path, name)))


def test_names_that_cannot_stand_together(tmp_path: Path) -> None:
    (path,) = copies(tmp_path, "one")
    with pytest.raises(FststyleError, match=r"one\.onnx is named twice; leave one out"):
        Networks(Settings(tmp_path, (path, path)))
    (tmp_path / "sub").mkdir()
    with pytest.raises(FststyleError, match="two networks are called one; rename one of the files"):
        Networks(Settings(tmp_path, (path, *copies(tmp_path / "sub", "one"))))


def test_clients_read_the_name_in_messages_and_no_path(tmp_path: Path) -> None:
    stylizer = Networks(Settings(tmp_path, copies(tmp_path, "one"))).stylizer("one")
    with pytest.raises(ValueError, match=r"^one has one style, so there is nothing to mix"):
        stylizer.mixed("wave")
