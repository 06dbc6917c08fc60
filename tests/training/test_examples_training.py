"""The programs in examples/ that train from Python."""

import runpy
from pathlib import Path

import pytest
from documents import ROOT

from fststyle.model.file import read_model
from fststyle.pictures.files import read_picture


@pytest.mark.slow
@pytest.mark.parametrize("program", ["train_in_python.py", "train_with_lightning.py"])
def test_train_in_python(painting: Path, photo_folder: Path, tmp_path: Path, program: str) -> None:
    main = runpy.run_path(str(ROOT / "examples" / program))["main"]
    main(painting, photo_folder, tmp_path / "mine.onnx", steps=2)
    card = read_model(tmp_path / "mine.onnx").card
    assert card is not None
    assert (card.style, card.steps, card.licence) == ("stripes", 2, "MIT")
    assert read_picture(tmp_path / "mine.png").rgb.std() > 1
