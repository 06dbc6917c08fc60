"""Grain that a network asks for by itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from fststyle.model.card import ModelCard
from fststyle.model.file import read_model, with_card, write_model
from fststyle.paint.blend import Blend
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.stylizer import Stylizer
from fststyle.runtime.mixture import mixture
from fststyle.runtime.styles import export_styles
from tests.bodies import write_sibling

GRAY = np.full((60, 80, 3), 100, np.uint8)


def card_of(path: Path) -> ModelCard:
    card = read_model(path).card
    assert card is not None
    return card


@pytest.fixture
def grained(identity: Path, tmp_path: Path) -> Path:
    """A network that gives back what it sees, and asks for 8 levels."""
    path = tmp_path / "grained.onnx"
    write_model(path, onnx.load_model(identity), replace(card_of(identity), grain=8.0))
    return path


def deviation(painted: NDArray[np.uint8]) -> float:
    return float(painted.astype(float).std())


def test_a_network_s_own_grain_counts_where_nobody_says_otherwise(grained: Path) -> None:
    stylizer = Stylizer(grained)
    painted = stylizer(GRAY)
    assert 7.5 < deviation(painted) < 8.5
    np.testing.assert_array_equal(stylizer(GRAY), painted)
    np.testing.assert_array_equal(stylizer(GRAY, grain=0), GRAY)
    assert 2.5 < deviation(stylizer(GRAY, grain=3)) < 3.5


def test_frames_get_none_of_it(grained: Path) -> None:
    frames = FrameStylizer(Stylizer(grained), Steadiness(1, 0))
    np.testing.assert_array_equal(frames(GRAY), GRAY)


def test_blends_have_their_share_of_it(identity: Path, grained: Path, tmp_path: Path) -> None:
    painted = Blend([Stylizer(grained), Stylizer(identity)], [1, 1])(GRAY)
    assert 3.5 < deviation(painted) < 4.5
    files = [write_sibling(tmp_path, seed, str(seed)) for seed in (1, 2)]
    grains = zip(files, (8.0, None), strict=True)
    models = [with_card(onnx.load_model(path), replace(card_of(path), grain=grain)) for path, grain in grains]
    mixed = mixture([read_model(model.SerializeToString(), "a.onnx") for model in models], [0.75, 0.25])
    assert mixed is not None
    assert mixed.card is not None
    assert mixed.card.grain == 6
    paths = []
    for number, model in enumerate(models):
        paths.append(tmp_path / f"{number}.onnx")
        onnx.save(model, paths[-1])
    assert export_styles(paths, tmp_path / "many.onnx").grain == 4  # the mean: which styles are mixed, nobody knows yet


def test_cards_hold_it_within_its_range(identity: Path) -> None:
    for grain in (-1.0, 101.0, float("nan")):
        with pytest.raises(ValueError, match=r"grain must lie in 0\.\.100"):
            replace(card_of(identity), grain=grain)
