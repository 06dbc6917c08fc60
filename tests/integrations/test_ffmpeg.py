"""ffmpeg before and behind `fststyle video`, in a shell, as the page says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT

pytest.importorskip("av")
FFMPEG, BASH = shutil.which("ffmpeg"), shutil.which("bash")
pytestmark = pytest.mark.skipif(FFMPEG is None or BASH is None, reason="no ffmpeg or no bash here")

PIPES = {
    "y4m": "ffmpeg -v error -i in.mp4 -f yuv4mpegpipe -pix_fmt yuv420p - | fststyle video NETWORK - - | "
    "ffmpeg -v error -y -i - -i in.mp4 -map 0:v -map '1:a?' -c:a copy out.mp4",
    "bytes": "ffmpeg -v error -i in.mp4 -f rawvideo -pix_fmt rgb24 - | "
    "fststyle video NETWORK - - --raw 64x48 --fps 25 | "
    "ffmpeg -v error -y -f rawvideo -pix_fmt rgb24 -s 64x48 -r 25 -i - out.mp4",
}


@pytest.mark.parametrize("pipe", PIPES)
def test_pipes(pipe: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "fststyle").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fststyle "$@"\n')
    (programs / "fststyle").chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    line = PIPES[pipe].replace("NETWORK", str(ROOT / "tests" / "assets" / "identity.onnx"))
    source = "ffmpeg -v error -f lavfi -i testsrc2=size=64x48:rate=25:duration=0.4 -pix_fmt yuv420p in.mp4"
    command = ["bash", "-o", "pipefail", "-c", f"{source} && {line}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    compare = ["ffmpeg", "-v", "info", "-i", "out.mp4", "-i", "in.mp4", "-lavfi", "psnr", "-f", "null", "-"]
    told = subprocess.run(compare, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    assert float(told.rpartition("average:")[2].split()[0]) > 25  # twice through H.264, otherwise the same frames


def test_the_page_says_the_same() -> None:
    page = (ROOT / "docs" / "embed.md").read_text("utf-8").replace("\\\n", " ")
    said = " ".join(page.split())
    for line in PIPES.values():
        wanted = " ".join(line.replace("NETWORK", "starry_night").replace("-y ", "").replace("-v error ", "").split())
        assert wanted.replace("64x48", "640x360") in said, wanted
