"""Files that are none, code in a pickle, and a machine that is offline."""

import urllib.error
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fststyle.errors import WeightsError
from fststyle.training.cost import weights
from fststyle.training.cost.weights import load_state


@pytest.mark.parametrize("name", ["vgg.safetensors", "vgg.pth"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x80\x04junk"])
def test_rotten_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name} is not a readable state dict; give"):
        load_state("vgg19", tmp_path / name)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="check the path given as --weights"):
        load_state("vgg19", tmp_path / "nowhere.pth")


@pytest.mark.fault("Models in", "pickled code as --weights", "refused unexecuted", ())
def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="not a readable state dict"):
        load_state("vgg19", tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_offline_without_a_cache_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    with pytest.raises(WeightsError, match=r"once, or fetch .*vgg19.* on another machine .* --weights, or take medium"):
        load_state("vgg19", None)
    assert list(tmp_path.iterdir()) == []


def test_downloaded_once_and_cached_without_the_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fetch(url: str, **kwargs: object) -> dict[str, torch.Tensor]:
        calls.append(url)
        return {"features.0.weight": torch.ones(2), "classifier.0.weight": torch.ones(9)}

    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    for _ in range(2):
        state, source = load_state("vgg16", None)
        assert list(state) == ["features.0.weight"]
        assert source == "vgg16_conv.safetensors"
    assert len(calls) == 1
    assert list(load_file(tmp_path / "cache" / "vgg16_conv.safetensors")) == ["features.0.weight"]


def test_no_room_for_what_was_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("FSTSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: {"features.0.weight": torch.ones(2)})
    with pytest.raises(WeightsError, match=r"cannot keep the weights of vgg16 in .*; make room .* by FSTSTYLE_CACHE"):
        load_state("vgg16", None)


def test_torchvision_has_both() -> None:
    assert weights._TORCHVISION.keys() == {"vgg16", "vgg19"}
