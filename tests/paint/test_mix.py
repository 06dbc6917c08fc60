"""Which styles of a network, and how much of each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle import Blend, Controls, Stylizer
from fststyle.model.file import ModelFile, read_model
from fststyle.paint.mix import Mix, names_of, parse_mix, weights_of, words_of

Pixels = NDArray[np.uint8]


@pytest.fixture
def file(identity: Path) -> ModelFile:
    return replace(read_model(identity), styles=("wave", "udnie", "a:b"))


@pytest.mark.parametrize(
    ("mix", "weights"),
    [
        ("udnie", [0, 1, 0]),
        ("wave:0.3, udnie:0.7", [0.3, 0.7, 0]),
        ("wave,udnie", [0.5, 0.5, 0]),
        ("wave:1,wave:1,a:b:2", [0.5, 0, 0.5]),
        ("a:b", [0, 0, 1]),
        ('"a:b":3,"udnie"', [0, 0.25, 0.75]),
        ({"udnie": 7, "wave": 3}, [0.3, 0.7, 0]),
        ([2, 0, 2], [0.5, 0, 0.5]),
        (np.array([0, 0, 5.0]), [0, 0, 1]),
    ],
)
def test_weights(file: ModelFile, mix: Mix, weights: list[float]) -> None:
    np.testing.assert_allclose(weights_of(mix, file), weights)
    assert weights_of(mix, file).dtype == np.float32
    assert names_of(weights_of(mix, file), file) == "+".join(np.array(file.styles)[np.array(weights) > 0])


@pytest.mark.parametrize(
    "mix", ["", "wave:-1", "wave:nan", "wave:0", "wave,", '"wave":x', {"wave": float("inf")}, [], [0, 0], {}]
)
def test_what_is_none(mix: Mix) -> None:
    with pytest.raises(ValueError, match=r"a mix reads like wave:0\.3,udnie:0\.7"):
        parse_mix(mix)
    with pytest.raises(ValueError, match=r"a mix reads like wave:0\.3,udnie:0\.7"):
        Controls(mix=mix)


def test_what_the_network_has_not(file: ModelFile, identity: Path, photo: Pixels) -> None:
    with pytest.raises(ValueError, match=r"has no style called scream; it has wave, udnie, a:b"):
        weights_of("scream:1,wave:1", file)
    with pytest.raises(ValueError, match="has 3 styles, not 2"):
        weights_of([1, 2], file)
    with pytest.raises(ValueError, match=r"identity\.onnx has one style, so there is nothing to mix"):
        Stylizer(identity)(photo, mix="wave")
    with pytest.raises(ValueError, match="a blend names its networks and weights already"):
        Blend.load({identity: 1})(photo, mix="wave")


def test_controls_with_the_same_mix_are_equal() -> None:
    assert Controls(mix="wave:0.5,udnie") == Controls(mix={"wave": 0.5, "udnie": 1})
    assert len({Controls(mix="wave"), Controls(mix="udnie"), Controls(mix={"wave": 1})}) == 2
    assert words_of([1, 0.5]) == "1,0.5"
    assert words_of({"a:0.5,b": 2, "c": 1}) == '"a:0.5,b":2,c:1'
    assert "mix" not in Controls().facts()


def test_threads_and_styles_do_not_mix(sibling: Callable[..., Path], tmp_path: Path, photo: Pixels) -> None:
    """One stylizer paints several styles at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    from fststyle.runtime.styles import export_styles

    export_styles([sibling(seed, name) for seed, name in enumerate(("one", "two"))], tmp_path / "many.onnx")
    stylizer = Stylizer(tmp_path / "many.onnx", threads=1)
    alone = {name: stylizer(photo, mix=name) for name in ("one", "two")}
    assert np.abs(alone["one"].astype(int) - alone["two"]).max() > 20
    names = ["one", "two"] * 8
    with ThreadPoolExecutor(4) as pool:
        for name, painted in zip(names, pool.map(lambda name: stylizer(photo, mix=name), names), strict=True):
            np.testing.assert_array_equal(painted, alone[name])
