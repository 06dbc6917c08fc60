"""The nodes for ComfyUI, called as ComfyUI calls them, with a stub of the part of it that they use."""

import importlib.util
import inspect
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import ROOT

from fststyle import Stylizer

torch: Any = pytest.importorskip("torch")

TINY = ROOT / "models" / "udnie_tiny.onnx"


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ComfyUI finds in the module, with `mine.onnx` in models/fststyle/.

    Of `folder_paths`, names, arguments and answers are those of ComfyUI's source.
    """
    stub: Any = types.ModuleType("folder_paths")
    stub.models_dir = str(tmp_path)
    stub.folder_names_and_paths = {"checkpoints": ([str(tmp_path / "checkpoints")], {".ckpt"})}

    def files(name: str) -> list[Path]:
        folders, suffixes = stub.folder_names_and_paths[name]
        return sorted(path for folder in folders for path in Path(folder).rglob("*") if path.suffix in suffixes)

    def full_path(name: str, file: str) -> str | None:
        return next((str(path) for path in files(name) if path.name == file), None)

    stub.get_filename_list = lambda name: [path.name for path in files(name)]
    stub.get_full_path = full_path
    monkeypatch.setitem(sys.modules, "folder_paths", stub)
    (tmp_path / "fststyle").mkdir()
    (tmp_path / "fststyle" / "mine.onnx").write_bytes(TINY.read_bytes())
    (tmp_path / "fststyle" / "notes.txt").touch()
    spec = importlib.util.spec_from_file_location("custom_nodes.x", ROOT / "integrations" / "comfyui" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.NODE_CLASS_MAPPINGS.keys() == module.NODE_DISPLAY_NAME_MAPPINGS.keys()
    found: dict[str, Any] = module.NODE_CLASS_MAPPINGS
    return found


def run(node: Any, **given: Any) -> Any:
    """As ComfyUI executes a node: inputs by name, those of widgets with their defaults."""
    inputs = {**node.INPUT_TYPES()["required"], **node.INPUT_TYPES().get("optional", {})}
    defaults = {name: kind[1]["default"] for name, kind in inputs.items() if len(kind) > 1 and "default" in kind[1]}
    assert given.keys() <= inputs.keys()
    answer = getattr(node(), node.FUNCTION)(**(defaults | given))
    assert isinstance(answer, tuple)
    assert len(answer) == len(node.RETURN_TYPES)
    return answer[0]


@pytest.fixture
def image(photo: Any) -> Any:
    """(2, 33, 47, 3), 0..1."""
    return torch.from_numpy(np.stack([photo, photo[:, ::-1]]).astype(np.float32) / 255)


def test_nodes_are_what_comfyui_asks_for(nodes: dict[str, Any]) -> None:
    for node in nodes.values():
        inputs = node.INPUT_TYPES()
        names = [name for group in inputs.values() for name in group]
        taken = list(inspect.signature(getattr(node, node.FUNCTION)).parameters)[1:]
        assert taken == names
        assert isinstance(node.CATEGORY, str)
        assert all(isinstance(kind, tuple) for group in inputs.values() for kind in group.values())


def test_networks_of_the_folder_come_before_those_of_the_package(nodes: dict[str, Any]) -> None:
    ((names,), _) = nodes["FststyleLoad"].INPUT_TYPES()["required"].values()
    assert names[0] == "mine.onnx"
    assert "notes.txt" not in names
    assert {"udnie", "starry_night", "starry_night_johnson"} <= set(names)
    assert run(nodes["FststyleLoad"], name="mine.onnx").card.style == "udnie"
    assert run(nodes["FststyleLoad"], name="great_wave_tiny", device="cpu").card.style == "great_wave"


def test_a_file_that_changed_is_loaded_again(nodes: dict[str, Any], tmp_path: Path) -> None:
    before = nodes["FststyleLoad"].IS_CHANGED("mine.onnx", "cpu")
    assert before == nodes["FststyleLoad"].IS_CHANGED("mine.onnx", "cpu")
    path = tmp_path / "fststyle" / "mine.onnx"
    path.write_bytes(path.read_bytes() + b"\x7a\x00")
    assert before != nodes["FststyleLoad"].IS_CHANGED("mine.onnx", "cpu")


def test_a_batch_keeps_its_sizes_and_paints_as_fststyle_does(nodes: dict[str, Any], image: Any, photo: Any) -> None:
    network = run(nodes["FststyleLoad"], name="mine.onnx")
    painted = run(nodes["FststylePaint"], network=network, image=image)
    assert (painted.dtype, painted.shape) == (torch.float32, image.shape)
    expected = Stylizer(TINY)(photo).astype(np.float32) / 255
    np.testing.assert_allclose(painted[0].numpy(), expected, atol=1 / 255)


def test_strength_mask_and_transparency(nodes: dict[str, Any], image: Any) -> None:
    network = run(nodes["FststyleLoad"], name="mine.onnx")
    plain = run(nodes["FststylePaint"], network=network, image=image, strength=0.0)
    torch.testing.assert_close(plain, image, atol=1e-6, rtol=0)
    for mask in (torch.zeros(33, 47), torch.zeros(1, 33, 47), torch.zeros(2, 33, 47)):
        masked = run(nodes["FststylePaint"], network=network, image=image, mask=mask)
        torch.testing.assert_close(masked, image, atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="3 masks for 2 images; give one, or one for each"):
        run(nodes["FststylePaint"], network=network, image=image, mask=torch.zeros(3, 33, 47))
    alpha = torch.rand(2, 33, 47, 1, generator=torch.Generator().manual_seed(0))
    painted = run(nodes["FststylePaint"], network=network, image=torch.cat([image, alpha], -1))
    torch.testing.assert_close(painted[..., 3:], alpha)


def test_a_clip(nodes: dict[str, Any], image: Any) -> None:
    pytest.importorskip("cv2")
    network = run(nodes["FststyleLoad"], name="mine.onnx")
    still = image[:1].repeat(3, 1, 1, 1)
    painted = run(nodes["FststylePaint"], network=network, image=still, as_video=True)
    assert painted.shape == still.shape
    one = run(nodes["FststylePaint"], network=network, image=still[:1], as_video=True)
    torch.testing.assert_close(painted[:1], one)
