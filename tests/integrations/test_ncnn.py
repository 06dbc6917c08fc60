"""ncnn paints what onnxruntime paints, from what pnnx makes of a network for one size.

Needs `pip install ncnn pnnx`; pnnx brings PyTorch, so give it an environment of its own and put that on the PATH.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fststyle import export_form
from fststyle.model.devices import open_session

ncnn: Any = pytest.importorskip("ncnn")
PNNX = shutil.which("pnnx")


@pytest.mark.skipif(PNNX is None, reason="no pnnx here")
@pytest.mark.parametrize("name", ["udnie", "udnie_tiny", "udnie_johnson"])
def test_it_paints_the_same(name: str, tmp_path: Path) -> None:
    export_form(name, tmp_path / "net.onnx", size=(128, 96))
    command = [str(PNNX), "net.onnx", "inputshape=[1,3,96,128]", "fp16=0"]  # weights as 32-bit floats
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    content = np.random.default_rng(0).random((1, 3, 96, 128), np.float32)
    (expected,) = open_session((tmp_path / "net.onnx").read_bytes()).run(None, {"content": content})
    with ncnn.Net() as net:
        net.load_param(str(tmp_path / "net.ncnn.param"))
        net.load_model(str(tmp_path / "net.ncnn.bin"))
        with net.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(content[0]).clone())
            _, answer = extractor.extract("out0")
            painted = np.array(answer)
    np.testing.assert_allclose(painted, expected[0], atol=1e-4)
