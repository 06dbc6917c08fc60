import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fststyle.cli import app

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    errors: str


@pytest.fixture
def fststyle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run the command in `tmp_path`, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stderr)

    return run


@pytest.fixture
def fststyle_process(tmp_path: Path) -> Callable[..., Ended]:
    """Run the command in `tmp_path`, in a process of its own, which must end in time."""

    def run(*arguments: object, timeout: float = 300, limit: Callable[[], None] | None = None) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "fststyle", *(os.fsencode(str(argument)) for argument in arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=timeout,
            preexec_fn=limit,
            check=False,
        )
        return Ended(done.returncode, done.stderr.decode("utf-8", "backslashreplace"))

    return run
