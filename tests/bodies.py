"""Networks that share the body of one that ships."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from fststyle.graph.style_numbers import style_numbers, with_numbers
from fststyle.model.card import ModelCard
from fststyle.model.file import write_model

MODELS = Path(__file__).parents[1] / "models"


def write_sibling(folder: Path, seed: int, style: str = "other", of: str = "udnie_tiny") -> Path:
    """Save a network whose gains, shifts and last bias are other than those of `of`."""
    model = onnx.load(MODELS / f"{of}.onnx")
    card = ModelCard.from_metadata({entry.key: entry.value for entry in model.metadata_props}, of)
    assert card is not None
    rng = np.random.default_rng(seed)
    numbers = {
        name: values * rng.uniform(0.4, 1.6, values.shape).astype(np.float32)
        for name, values in style_numbers(model).items()
    }
    path = folder / f"{style}.onnx"
    write_model(path, with_numbers(model, numbers), replace(card, style=style, painting=style.title()))
    return path
