"""What `import fststyle.training` gives: which names, how they load, and what a type checker knows of them."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import fststyle.training as door

Python = Callable[..., CompletedProcess[bytes]]


def test_every_name_is_there_and_listed() -> None:
    assert {name for name in dir(door) if not name.startswith("_")} == set(door.__all__)
    for name in door.__all__:
        assert getattr(door, name).__doc__
    asked = {"train", "Training", "StyleTransferModule", "ContentData", "Cost", "export_checkpoint"}
    assert asked <= set(door.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'; did you mean train"):
        door.trian  # type: ignore[attr-defined]  # noqa: B018


def test_the_table_is_what_type_checkers_read() -> None:
    typed: dict[str, str] = {}
    for node in ast.walk(ast.parse(Path(door.__file__).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("fststyle."):
            typed |= {alias.name: str(node.module).removeprefix("fststyle.training.") for alias in node.names}
    assert typed == door._HOMES
    assert sorted(typed) == door.__all__


def test_names_are_loaded_when_they_are_asked_for(run_python: Python) -> None:
    program = """
import json, sys
import fststyle.training
early = [name for name in ("numpy", "torch", "pytorch_lightning", "onnxruntime") if name in sys.modules]
from fststyle.training import Cost
late = [name for name in ("torch", "pytorch_lightning") if name in sys.modules]
print(json.dumps([early, late, repr(Cost(style_weight=2))]))
"""
    early, late, shown = json.loads(run_python("-c", program).stdout)
    assert (early, late) == ([], ["torch"])
    assert "style_weight=2" in shown


def test_without_torch_the_extra_is_named(run_python: Python) -> None:
    program = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocker())
import fststyle.training
from fststyle.training import train
"""
    done = run_python("-c", program)
    assert done.returncode == 1
    assert done.stderr.decode().endswith("needs torch, which is not installed; pip install 'fststyle[train]'\n")


@pytest.mark.slow
def test_mypy_knows_the_names_and_their_types(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(
        "from fststyle.training import Cost, train, trian\n"
        "training = train('mine.jpg', network='fsat')\n"
        "training.chekpoint\n"
        "training.export('mine.onnx')('photo')\n"
        "Cost(stile_weight=2)\n"
    )
    said, _, _ = api.run(["--strict", "--no-incremental", str(program)])
    assert [int(line.split(":")[-3]) for line in said.splitlines() if ": error:" in line] == [1, 2, 3, 4, 5]
