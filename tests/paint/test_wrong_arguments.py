"""Arguments of another kind, such as words in place of numbers, are refused in one line that names them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle import Blend, Controls, Steadiness, Stylizer, paint_files, read_model, stylize_frames

Pixels = NDArray[np.uint8]


def says(do: Callable[[], Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        do()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "range_of"),
    [("strength", "must lie in 0..1"), ("scale", "must lie in 0.1..10"), ("grain", "must lie in 0..100")],
)
@pytest.mark.parametrize(("value", "shown"), [("x", "'x'"), ([1], "[1]"), (1j, "1j"), (np.ones((9, 9)), "array([[1.")])
def test_controls_that_are_numbers(name: str, range_of: str, value: Any, shown: str) -> None:
    says(lambda: Controls(**{name: value}), f"{name} {range_of}, not {shown}")


@pytest.mark.parametrize("value", ["x", [1], np.ones(3), None])
def test_passes_and_colors(value: Any) -> None:
    says(lambda: Controls(passes=value), "passes must be one of auto, 1, 2, 3, not ")
    says(lambda: Controls(keep_color=value), "keep_color must be True or False, not ")


@pytest.mark.parametrize("mix", [3, b"ab", ["a"], [np.ones(2), np.ones(2)], {"a": "x"}, {1: 2}, {"a": None}])
def test_mixes(mix: Any) -> None:
    says(lambda: Controls(mix=mix), "a mix reads like wave:0.3,udnie:0.7")


def test_numbers_of_numpy_are_numbers() -> None:
    controls = Controls(np.float32(0.5), np.True_, np.int64(2), None, np.float16(3))  # type: ignore[arg-type]
    assert (controls.strength, bool(controls.keep_color), controls.scale, controls.grain) == (0.5, True, 2, 3)


def test_a_call(identity: Path, photo: Pixels) -> None:
    stylizer = Stylizer(identity)
    for do in (lambda: stylizer(photo, 0.5), lambda: next(stylize_frames(stylizer, [photo], 0.5))):  # type: ignore[arg-type]
        says(do, "controls must be a Controls(...), not 0.5; give single ones by name")
    says(lambda: next(stylize_frames("udnie", [photo])), "what paints must be a Stylizer(...) or a Blend, not 'udnie'")  # type: ignore[arg-type]
    says(lambda: Steadiness(carry="x"), "carry must lie in 0..1, not 'x'")  # type: ignore[arg-type]


def test_blends(identity: Path) -> None:
    stylizer = Stylizer(identity)
    blend: Any = Blend
    for networks in (["udnie", "great_wave"], [stylizer, "udnie"], "udnie:1,great_wave:2", stylizer):
        says(lambda networks=networks: blend(networks, [1, 1]), 'Blend.load({"great_wave": 0.7, "udnie": 0.3})')
    for weights in ("ab", ["a", "b"], None, 1, [1, None]):
        says(lambda weights=weights: blend([stylizer, stylizer], weights), "a positive weight for each network")
    for names in (["udnie", "great_wave"], None, identity):
        says(lambda names=names: blend.load(names), "a blend needs the weight of each network, {")
    says(lambda: blend.load({identity: "x"}), "a positive weight for each network, at most 1,000,000, not ['x']")


def test_how_a_network_is_opened(identity: Path) -> None:
    opened: Any = Stylizer
    for source in (None, 3, ["udnie"], Stylizer(identity)):
        says(lambda source=source: opened(source), "the network must be a path, a name or the bytes of a file, not ")
    says(lambda: read_model(3), "the network must be a path, a name or the bytes of a file, not 3")  # type: ignore[arg-type]
    for threads in ("x", 1.5, [1]):
        says(lambda threads=threads: opened(identity, threads=threads), "threads must be a whole number in 1..1024")
    says(lambda: opened(identity, memory="1GB"), "memory must be a number of bytes, at least 1, not '1GB'")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_side": "x"}, "max_side must be a whole number of at least 1, not 'x'"),
        ({"max_side": 1.5}, "max_side must be a whole number of at least 1, not 1.5"),
        ({"quality": "best"}, "quality must be a whole number in 1..100, not 'best'"),
        ({"format": 3}, "format must be one of png, "),
        ({"shard": 3}, "a shard reads like 2/8, not 3"),
        ({"shard": (1, 2, 3)}, "a shard reads like 2/8, not (1, 2, 3)"),
        ({"shard": ("a", 2)}, "a shard is i/n with i from 1 to n, not a/2"),
    ],
)
def test_files(identity: Path, settings: dict[str, Any], words: str) -> None:
    says(lambda: paint_files(identity, "a.png", "b.png", **settings), words)
