"""The walls of the house: who may import whom, and what runs without torch."""

import ast
import json
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.pictures.files import read_picture, write_picture

PACKAGE = Path(__file__).parents[1] / "fststyle"
Python = Callable[..., CompletedProcess[bytes]]

# A room imports only rooms that stand before it. Inside a room there are no circles.
ROOMS = (
    "fststyle.errors",
    "fststyle.samples",
    "fststyle.system",
    "fststyle.pictures",
    "fststyle.model",
    "fststyle.graph",
    "fststyle.runtime",
    "fststyle.paint",
    "fststyle.predict",
    "fststyle.hub",
    "fststyle.jobs",
    "fststyle.web",
    "fststyle.video",
    "fststyle.cluster",
    "fststyle.serve",
    # The training wing. Its few shared modules come first.
    "fststyle.training.remedies",
    "fststyle.training.tensors",
    "fststyle.training.devices",
    "fststyle.training.safe_load",
    "fststyle.training.checkpoint",
    "fststyle.training.pages",
    "fststyle.training.cost",
    "fststyle.training.networks",
    "fststyle.training.data",
    "fststyle.training.export",
    "fststyle.training.arguments",
    "fststyle.training.fit",
    "fststyle.training.predict",
    "fststyle.training.optimize",
    "fststyle.training.judge",
    "fststyle.training.distill",
    "fststyle.training.explain",
    "fststyle.training.bench",
    "fststyle.training.parser",
    "fststyle.training.cli",
    "fststyle.training.many",
    "fststyle.training",
    # The top: the package's names, which are loaded when they are asked for, and the commands.
    "fststyle",
    "fststyle.commands",
    "fststyle.cli",
    "fststyle.__main__",
)

TRAINING_ONLY = {
    *("torch", "torchvision", "pytorch_lightning", "lightning", "jsonargparse", "onnxscript", "safetensors"),
    *("scipy", "matplotlib", "jinja2"),
}

# What painting in one process does without.
CLUSTER_ONLY = {"ray", "fsspec"}

# What painting pictures does without.
VIDEO_ONLY = {"av", "cv2"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module and the column it is imported at; a deeper one than 0 is lazy."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.col_offset) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write imports in full"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if full in MODULES else str(node.module)), node.col_offset


def room_of(module: str) -> int:
    """The place of a module's room: the longest name in `ROOMS` that it begins with."""
    homes = [name for name in ROOMS if module == name or module.startswith(f"{name}.")]
    home = max(homes, key=len)
    exact = home not in {"fststyle", "fststyle.training"} or module == home
    assert exact, f"{module} has no room; put it into one, or add a room to the list"
    return ROOMS.index(home)


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_rooms_before_it(module: str) -> None:
    here = room_of(module)
    for imported, column in imports(MODULES[module]):
        # The version is the one name that every module may ask the package for.
        if imported not in MODULES or imported == "fststyle":
            continue
        # The package's doors load what they name when it is asked for.
        if module in {"fststyle", "fststyle.training"} and column > 0:
            continue
        assert room_of(imported) <= here, f"{module} imports {imported}, whose room stands later"


def test_there_are_no_circles_inside_a_room() -> None:
    inside = {
        module: {
            imported
            for imported, _ in imports(path)
            if imported in MODULES and imported != module and room_of(imported) == room_of(module)
        }
        for module, path in MODULES.items()
    }
    list(TopologicalSorter(inside).static_order())


def test_every_room_has_a_module() -> None:
    assert {room_of(module) for module in MODULES} == set(range(len(ROOMS)))


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("fststyle.training")])
def test_the_runtime_wing_needs_no_torch(module: str) -> None:
    for imported, column in imports(MODULES[module]):
        assert imported.split(".")[0] not in TRAINING_ONLY, f"{module} imports {imported}"
        if imported.split(".")[0] in VIDEO_ONLY:
            assert module in ("fststyle.paint.carry", "fststyle.paint.contrast") or module.startswith(
                "fststyle.video."
            ), f"{module} imports {imported}"
        if imported.split(".")[0] in CLUSTER_ONLY:
            assert module.startswith("fststyle.cluster."), f"{module} imports {imported}"
            assert column > 0, f"{module} imports {imported} before it is asked for"
        if imported.startswith("fststyle.training"):
            allowed = module == "fststyle.cli" or module.startswith("fststyle.commands.")
            assert allowed, f"{module} reaches into the training wing"
            assert column > 0, f"{module} imports {imported} before it is asked for"


def test_sessions_are_opened_in_one_place() -> None:
    opening = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("InferenceSession", "SessionOptions"))
    }
    assert opening == {"fststyle.model.devices"}


WITHOUT_TORCH = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {TRAINING_ONLY | VIDEO_ONLY | CLUSTER_ONLY!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocker())
from fststyle.cli import main
main()
"""


def test_stylize_runs_without_torch(
    run_python: Python, identity: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    write_picture(tmp_path / "a.png", photo)
    done = run_python("-c", WITHOUT_TORCH, "stylize", identity, "a.png", "-o", "b.png")
    assert done.returncode == 0, done.stderr.decode()
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png").rgb, photo)


@pytest.mark.parametrize("arguments", [["train", "a.jpg"], ["export", "a.ckpt", "a.onnx"]])
def test_training_without_torch_names_the_extra(run_python: Python, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").touch()
    done = run_python("-c", WITHOUT_TORCH, *arguments)
    assert done.returncode == 1
    assert done.stderr.decode().endswith("which is not installed; pip install 'fststyle[train]'\n")
    assert done.stderr.count(b"\n") == 1


def test_a_video_without_its_packages_names_the_extra(run_python: Python, identity: Path) -> None:
    done = run_python("-c", WITHOUT_TORCH, "video", identity, "a.mp4", "b.mp4")
    assert done.returncode == 1
    assert done.stderr.decode().endswith("which is not installed; pip install 'fststyle[video]'\n")
    assert done.stderr.count(b"\n") == 1


def test_help_is_there_at_once(run_python: Python) -> None:
    program = """
import json, sys
sys.argv = ["fststyle", "--help"]
from fststyle.cli import main
try:
    main()
finally:
    print(json.dumps([name for name in sys.modules if "." not in name]), file=sys.stderr)
"""
    done = run_python("-c", program)
    assert b"stylize" in done.stdout
    loaded = set(json.loads(done.stderr))
    assert not loaded & {"numpy", "onnx", "onnxruntime", "PIL", "av", *TRAINING_ONLY, *CLUSTER_ONLY}
