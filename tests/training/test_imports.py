"""No import of ours changes the program that it is in; only what a program does is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What others' modules do when they are imported is theirs: they are imported first.
PROGRAM = """
import ast, atexit, gc, importlib, json, logging, multiprocessing, os, signal, sys, threading, warnings
from pathlib import Path

package = Path(sys.argv[1])
files = sorted(path for path in package.rglob("*.py") if path.name != "__main__.py")
names = [".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__") for path in files]
for path in files:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        wanted = []
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            wanted = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in wanted:
            if not name.startswith("fststyle"):
                try:
                    importlib.import_module(name)
                except Exception:
                    pass
import matplotlib.pyplot, multiprocessing.util, numpy, onnxruntime, random, torch, pytorch_lightning

def state():
    loggers = {name: logger for name, logger in logging.root.manager.loggerDict.items() if hasattr(logger, "handlers")}
    # A logger of ours that decides nothing is no change.
    for name in [name for name in loggers if name.split(".")[0] == "fststyle"]:
        if (loggers[name].level, loggers[name].handlers, loggers[name].propagate) == (0, [], True):
            del loggers[name]
    return {
        "atexit": atexit._ncallbacks(),
        "signals": {number: str(signal.getsignal(number)) for number in signal.valid_signals()},
        "warnings": [str(each) for each in warnings.filters] + [str(warnings.showwarning)],
        "logging": {n: (l.level, len(l.handlers), l.propagate) for n, l in loggers.items()}
        | {"root": (logging.root.level, len(logging.root.handlers))},
        "torch": [
            torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype(),
            torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision(), torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(), torch.initial_seed(),
        ],
        "random": [hash(random.getstate()), str(numpy.random.get_state())],
        "environment": dict(os.environ),
        "matplotlib": [matplotlib.get_backend(), str(dict(matplotlib.rcParams))],
        "threads": [threading.active_count(), threading.excepthook, sys.excepthook, threading.stack_size()],
        "children": len(multiprocessing.active_children()),
        "python": [sys.getrecursionlimit(), sys.path, os.getcwd(), gc.get_threshold(), sys.stdout, sys.stderr],
        "pillow": importlib.import_module("PIL.Image").MAX_IMAGE_PIXELS,
        "start method": multiprocessing.get_start_method(allow_none=True),
    }

before = {key: str(value) for key, value in state().items()}
for name in names:
    importlib.import_module(name)
after = {key: str(value) for key, value in state().items()}
print(json.dumps([len(names), [[key, before[key], after[key]] for key in before if before[key] != after[key]]]))
"""


def test_no_import_changes_its_host() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "fststyle")],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    count, changes = json.loads(done.stdout.splitlines()[-1])
    assert count > 100
    assert changes == []


HOST = """
import multiprocessing, os, sys, time
from fststyle import samples
from fststyle.training.data.photos import ContentData

def work(path):
    time.sleep(1.5)
    open(path, "w").write("finished")

child = multiprocessing.get_context("fork").Process(target=work, args=(sys.argv[1],), daemon=True)
child.start()
data = ContentData(samples.photo_folder(), crop=64, batch_size=2, num_workers=1, val_photos=1)
data.setup("fit")
batches = iter(data.train_dataloader())
next(batches)
readers = [each.pid for each in multiprocessing.active_children() if each is not child]
from fststyle.training.data import readers as ours
ours._end_readers(os.getpid())
child.join()
left = [each.pid for each in multiprocessing.active_children() if each.pid in readers]
print(len(readers), child.exitcode, left)
"""


@pytest.mark.slow
def test_only_our_own_readers_are_ended(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOST, str(tmp_path / "child.txt")],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.stdout.split("\n")[0] == "1 0 []", done.stderr
    assert (tmp_path / "child.txt").read_text() == "finished"
