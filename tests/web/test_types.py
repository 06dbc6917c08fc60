"""The page's modules have JSDoc types; TypeScript's compiler checks them where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

COMPILER = shutil.which("tsc")


@pytest.mark.skipif(COMPILER is None, reason="needs TypeScript's compiler; npm install -g typescript")
@pytest.mark.parametrize("half", ["page", "worker"])
def test_the_types_of_the_page_fit(half: str) -> None:
    assert COMPILER is not None
    config = Path(__file__).with_name(f"tsconfig.{half}.json")
    done = subprocess.run([COMPILER, "--project", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
