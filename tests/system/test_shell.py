"""Paths in commands that people copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fststyle.system.shell import for_shell


def test_options_streams_and_spaces() -> None:
    assert for_shell(Path("a.onnx")) == "a.onnx"
    assert for_shell("-a.onnx") == "./-a.onnx"
    assert for_shell("-") == "-"
    assert for_shell("my style.onnx") == "'my style.onnx'"
    assert for_shell("- x.onnx") == "'./- x.onnx'"


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="this asks bash")
@pytest.mark.parametrize(
    "name", [b"a b", b"it's $HOME", b"two\nlines", b"n\xff'\\x", "Müller\t".encode(), b"-\x1b[31m"]
)
def test_bash_reads_the_same(name: bytes) -> None:
    shown = for_shell(os.fsdecode(name))
    assert shown.isprintable()
    read = subprocess.run(["bash", "-c", f"printf %s {shown}"], capture_output=True, check=True).stdout
    assert read.removeprefix(b"./") == name
