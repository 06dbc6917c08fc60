"""The list of networks that a server offers."""

import shutil
from pathlib import Path

import pytest

from fststyle import samples
from fststyle.errors import FststyleError, ImageError
from fststyle.model.gallery import find_network
from fststyle.predict.new_style import predict
from fststyle.serve.commands import steps_of
from fststyle.serve.job import Job
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


def test_paintings_stand_beside_networks_or_in_their_place(tmp_path: Path) -> None:
    swirls, woodcut = samples.style("swirls"), samples.style("woodcut")
    offers = Networks(Settings(tmp_path, copies(tmp_path, "one"), (swirls, woodcut), style_size=100)).offers()
    assert [offer.name for offer in offers] == ["one", "swirls", "woodcut"]
    assert offers[1].file.data == predict(swirls, style_size=100).file().data
    (only,) = Networks(Settings(tmp_path, styles=(swirls,))).offers()
    assert (only.title, only.file.card and only.file.card.recipe["init"]) == ("Swirls", "predicted")


def test_names_of_paintings_that_cannot_stand_together(tmp_path: Path) -> None:
    swirls = samples.style("swirls")
    with pytest.raises(FststyleError, match=r"swirls\.jpg is named twice; leave one out"):
        Networks(Settings(tmp_path, styles=(swirls, swirls)))
    with pytest.raises(FststyleError, match="two networks are called swirls; rename one of the files"):
        Networks(Settings(tmp_path, copies(tmp_path, "swirls"), (swirls,)))
    with pytest.raises(ImageError, match=r"none\.jpg"):
        Networks(Settings(tmp_path, styles=(tmp_path / "none.jpg",)))


def test_jobs_find_the_network_of_a_painting(tmp_path: Path) -> None:
    """A job that goes on has the network that it began with."""
    swirls = samples.style("swirls")
    network = Networks(Settings(tmp_path, styles=(swirls,)))
    job = Job(id="a", kind="video", title="a", request={"network": "swirls", "format": "mp4"})
    (words,) = steps_of(job, tmp_path, network, None, trained=False)
    first = Path(words[1]).read_bytes()
    assert first == network.offer("swirls").file.data
    assert Path(words[1]).parent == tmp_path
    finer = Networks(Settings(tmp_path, styles=(swirls,), style_size=100))
    (words,) = steps_of(job, tmp_path, finer, None, trained=False)
    assert Path(words[1]).read_bytes() == first


def test_clients_read_the_name_in_messages_and_no_path(tmp_path: Path) -> None:
    stylizer = Networks(Settings(tmp_path, copies(tmp_path, "one"))).stylizer("one")
    with pytest.raises(ValueError, match=r"^one has one style, so there is nothing to mix"):
        stylizer.mixed("wave")
