"""What `import fststyle` gives: which names, how they load, and what a type checker knows of them."""

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import fststyle
from fststyle import errors

Python = Callable[..., CompletedProcess[bytes]]
DOOR = Path(fststyle.__file__)


def test_every_name_is_there_and_listed() -> None:
    assert set(fststyle.__all__) <= set(dir(fststyle))
    for name in fststyle.__all__:
        assert getattr(fststyle, name) is not None
    assert {name for name in dir(fststyle) if not name.startswith("_")} == set(fststyle.__all__) - {"__version__"}
    ours = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert ours <= set(fststyle.__all__)


def test_the_table_is_what_type_checkers_read() -> None:
    typed: dict[str, str] = {}
    for node in ast.walk(ast.parse(DOOR.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("fststyle."):
            typed |= {alias.name: str(node.module) for alias in node.names}
    assert typed == fststyle._HOMES
    assert sorted([*typed, "__version__"]) == sorted(fststyle.__all__)


@pytest.mark.parametrize(
    ("wrong", "right"), [("Stylzer", "Stylizer"), ("stylizer", "Stylizer"), ("quantise", "quantize")]
)
def test_a_misspelt_name_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{wrong}'; did you mean {right}") as raised:
        getattr(fststyle, wrong)
    assert raised.value.name == wrong
    with pytest.raises(AttributeError, match=r"no attribute 'quux'$"):
        fststyle.quux  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(fststyle, wrong)


@pytest.mark.slow
def test_mypy_knows_the_names_and_their_types(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "import fststyle\n"
        "from fststyle import Controls, Stylizer, paint_files, stylizers\n"
        "fststyle.Stylzer('wave')\n"
        "stylizer = Stylizer('wave', strenght=0.5)\n"
        "photo = np.zeros((8, 8, 3), np.uint8)\n"
        "stylizer(photo, strenght=0.5)\n"
        "stylizer(photo, Controls(strength='half'))\n"
        "paint_files('wave', ['a.jpg'], memroy=1)\n"
        "painted: str = stylizer(photo, Controls(strength=0.5), keep_color=True)\n"
    )
    root = DOOR.parents[1]
    options = ["--config-file", root / "pyproject.toml", "--cache-dir", root / ".mypy_cache", "--no-error-summary"]
    told, failure, _ = api.run([*map(str, options), str(program)])
    assert failure == ""
    lines = sorted({int(number) for number in re.findall(r":(\d+): error:", told)})
    assert lines == [3, 4, 5, 7, 8, 9, 10], told


@pytest.mark.parametrize("asked", ["fststyle", "fststyle.networks()", "dir(fststyle)", "fststyle.FststyleError"])
def test_what_is_not_asked_for_is_not_loaded(run_python: Python, asked: str) -> None:
    done = run_python("-c", f"import json, sys, fststyle; {asked}; print(json.dumps(list(sys.modules)))")
    assert done.stderr == b""
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"numpy", "onnx", "onnxruntime", "PIL", "av", "cv2", "torch", "typer"}


EFFECTS = """
import atexit, locale, logging, os, signal, sys, threading, warnings
import numpy, onnx, onnxruntime, PIL.Image  # these have effects of their own

PIL.Image.init()

def host():
    return {
        "filters": list(warnings.filters), "shown": warnings.showwarning, "hook": sys.excepthook,
        "interrupt": signal.getsignal(signal.SIGINT), "environment": dict(os.environ), "path": list(sys.path),
        "threads": threading.active_count(), "handlers": list(logging.getLogger().handlers),
        "folder": sorted(os.listdir()), "locale": locale.setlocale(locale.LC_ALL), "at exit": atexit._ncallbacks(),
        "formats": sorted(PIL.Image.OPEN), "limit": PIL.Image.MAX_IMAGE_PIXELS, "numpy": numpy.geterr(),
    }

before = host()
from fststyle import *
after = host()
print([name for name in before if before[name] != after[name]])
"""


def test_no_name_has_an_effect_on_its_host(run_python: Python) -> None:
    done = run_python("-c", EFFECTS)
    assert (done.stdout.strip(), done.stderr) == (b"[]", b"")
