"""The walls of the house: who may import whom, and what runs without torch."""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle.images import read_picture, write_picture

PACKAGE = Path(__file__).parents[1] / "fststyle"
Python = Callable[..., CompletedProcess[bytes]]

# A module imports from lower floors only, never from its own.
FLOORS = {
    "fststyle": 0,
    "fststyle.errors": -2,
    "fststyle.file_kinds": -2,
    "fststyle.files": -1,
    "fststyle.hidden_color": -1,
    "fststyle.resizing": 0,
    "fststyle.color_encoding": 0,
    "fststyle.color_profiles": 0,
    "fststyle.bmp": 0,
    "fststyle.tiff": 0,
    "fststyle.tiff_layout": 0,
    "fststyle.tiff_samples": 1,
    "fststyle.pillow_process": 0,
    "fststyle.picture_formats": 0,
    "fststyle.picture_headers": 1,
    "fststyle.picture_writing": 1,
    "fststyle.picture_folder": 1,
    "fststyle.samples": 0,
    "fststyle.devices": 1,
    "fststyle.gallery": 2,
    "fststyle.model_card": 1,
    "fststyle.model_checks": 1,
    "fststyle.picture": 1,
    "fststyle.provenance": 0,
    "fststyle.images": 2,
    "fststyle.model_sizes": 2,
    "fststyle.model_file": 3,
    "fststyle.layouts": 1,
    "fststyle.normal_form": 2,
    "fststyle.fitting": 5,
    "fststyle.contact_sheet": 3,
    "fststyle.stylizer": 7,
    "fststyle.batch": 7,
    "fststyle.jobs": 4,
    "fststyle.graph": 3,
    "fststyle.norms": 4,
    "fststyle.statistics_form": 5,
    "fststyle.controls": 3,
    "fststyle.quantized_graph": 4,
    "fststyle.byte_pixels": 2,
    "fststyle.quantization": 5,
    "fststyle.converted_file": 6,
    "fststyle.blend": 8,
    "fststyle.manifest": 8,
    "fststyle.model_bench": 6,
    "fststyle.control_groups": 0,
    "fststyle.memory": 1,
    "fststyle.network": 4,
    "fststyle.receptive_field": 5,
    "fststyle.tiling": 6,
    "fststyle.steady": 8,
    "fststyle.carry": 0,
    "fststyle.extras": 1,
    "fststyle.video": 1,
    "fststyle.video.timing": 1,
    "fststyle.video.chroma": 1,
    "fststyle.video.display_size": 1,
    "fststyle.video.upright": 1,
    "fststyle.video.deinterlace": 1,
    "fststyle.video.clip": 1,
    "fststyle.video.color": 2,
    "fststyle.video.span": 2,
    "fststyle.video.matroska": 2,
    "fststyle.video.source": 2,
    "fststyle.video.aac": 2,
    "fststyle.video.copies": 3,
    "fststyle.video.partial": 3,
    "fststyle.video.animation": 3,
    "fststyle.video.decoding": 3,
    "fststyle.video.seeking": 4,
    "fststyle.video.length": 4,
    "fststyle.video.part": 5,
    "fststyle.video.reader": 6,
    "fststyle.video.numbering": 4,
    "fststyle.video.pictures": 5,
    "fststyle.video.pipes": 5,
    "fststyle.video.run": 5,
    "fststyle.video.writer": 5,
    "fststyle.video.convert": 7,
    "fststyle.console": 2,
    "fststyle.streams": 1,
    "fststyle.signals": 1,
    "fststyle.training": 0,
    "fststyle.training.bare_trainer": 1,
    "fststyle.training.bases": 1,
    "fststyle.training.photo_cache": 2,
    "fststyle.training.devices": 1,
    "fststyle.training.losses": 1,
    "fststyle.training.byte_weights": 1,
    "fststyle.training.plain_areas": 1,
    "fststyle.training.wasserstein": 4,
    "fststyle.training.sizes": 5,
    "fststyle.training.run_log": 2,
    "fststyle.training.optimize": 1,
    "fststyle.training.safe_load": 1,
    "fststyle.training.muon": 1,
    "fststyle.training.schedule": 1,
    "fststyle.training.strength": 1,
    "fststyle.training.layers": 1,
    "fststyle.training.readers": 1,
    "fststyle.training.photo_names": 1,
    "fststyle.training.trainer_options": 2,
    "fststyle.training.positions": 1,
    "fststyle.training.progress": 1,
    "fststyle.training.sides": 1,
    "fststyle.training.transformer_net": 2,
    "fststyle.training.motion": 3,
    "fststyle.training.page": 3,
    "fststyle.training.tensors": 3,
    "fststyle.training.checkpoint": 2,
    "fststyle.training.weights": 2,
    "fststyle.training.crops": 3,
    "fststyle.training.painting": 3,
    "fststyle.training.data": 4,
    "fststyle.training.recipe": 5,
    "fststyle.training.loss_network": 3,
    "fststyle.training.equivalence": 4,
    "fststyle.training.temporal": 4,
    "fststyle.training.objective": 4,
    "fststyle.training.evaluation": 6,
    "fststyle.training.scores": 5,
    "fststyle.training.coarse_to_fine": 5,
    "fststyle.training.teacher": 5,
    "fststyle.training.warm_start": 5,
    "fststyle.training.steps": 6,
    "fststyle.training.module": 7,
    "fststyle.training.optimize_request": 8,
    "fststyle.training.callbacks": 8,
    "fststyle.training.evaluate_report": 7,
    "fststyle.training.export": 6,
    "fststyle.training.many_styles": 8,
    "fststyle.training.run_folder": 8,
    "fststyle.training.bench": 8,
    "fststyle.training.distill": 0,
    "fststyle.training.distill.pictures": 4,
    "fststyle.training.distill.teacher": 5,
    "fststyle.training.distill.fidelity": 5,
    "fststyle.training.distill.module": 6,
    "fststyle.training.distill.student": 6,
    "fststyle.training.distill.run": 9,
    "fststyle.training.cli": 10,
    "fststyle.training.speed": 8,
    "fststyle.training.evaluate": 9,
    "fststyle.training.optimize_run": 9,
    "fststyle.training.explain": 0,
    "fststyle.training.explain.distribution": 5,
    "fststyle.training.explain.figures": 5,
    "fststyle.training.explain.pairs": 5,
    "fststyle.training.explain.sensor": 5,
    "fststyle.training.explain.statistics": 5,
    "fststyle.training.explain.subject": 5,
    "fststyle.training.explain.shuffles": 6,
    "fststyle.training.explain.syntheses": 6,
    "fststyle.training.explain.painted_sections": 7,
    "fststyle.training.explain.sections": 7,
    "fststyle.training.explain.report": 8,
    "fststyle.commands": 0,
    "fststyle.commands.options": 8,
    "fststyle.commands.bench": 9,
    "fststyle.commands.evaluate": 10,
    "fststyle.commands.explain": 9,
    "fststyle.commands.export": 9,
    "fststyle.commands.info": 9,
    "fststyle.commands.models": 9,
    "fststyle.commands.optimize": 10,
    "fststyle.commands.quantize": 9,
    "fststyle.commands.stylize": 9,
    "fststyle.cli": 11,
    "fststyle.__main__": 12,
    "fststyle.training.calibration": 5,
    "fststyle.training.preview": 9,
    "fststyle.commands.video": 9,
}

# The package shows what lies on a higher floor, and only when it is asked for.
ALLOWED = {("fststyle", "fststyle.stylizer"), ("fststyle", "fststyle.steady")}

TRAINING_ONLY = {
    *("torch", "torchvision", "pytorch_lightning", "lightning", "jsonargparse", "onnxscript", "safetensors"),
    *("scipy", "matplotlib", "jinja2"),
}

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


@pytest.mark.parametrize("module", MODULES)
def test_imports_lead_downwards(module: str) -> None:
    assert module in FLOORS, f"{module} has no floor; add it to the table"
    for imported, _ in imports(MODULES[module]):
        if imported in MODULES and (module, imported) not in ALLOWED:
            assert imported in FLOORS, f"{imported} has no floor; add it to the table"
            assert FLOORS[imported] < FLOORS[module], f"{module} imports {imported}, which does not lie below it"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("fststyle.training")])
def test_the_runtime_wing_needs_no_torch(module: str) -> None:
    for imported, column in imports(MODULES[module]):
        assert imported.split(".")[0] not in TRAINING_ONLY, f"{module} imports {imported}"
        if imported.split(".")[0] in VIDEO_ONLY:
            assert module == "fststyle.carry" or module.startswith("fststyle.video."), f"{module} imports {imported}"
        if imported.startswith("fststyle.training"):
            allowed = module == "fststyle.cli" or module.startswith("fststyle.commands.")
            assert allowed, f"{module} reaches into the training wing"
            assert column > 0, f"{module} imports {imported} before it is asked for"


def test_the_table_names_no_module_that_is_gone() -> None:
    assert set(FLOORS) <= set(MODULES)


WITHOUT_TORCH = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {TRAINING_ONLY | VIDEO_ONLY!r}:
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


@pytest.mark.parametrize("arguments", [["train", "--help"], ["export", "a.ckpt", "a.onnx"]])
def test_training_without_torch_names_the_extra(run_python: Python, arguments: list[str]) -> None:
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
    assert not loaded & {"numpy", "onnx", "onnxruntime", "PIL", "av", *TRAINING_ONLY}
