"""From style to style while a clip plays."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle import Controls, Stylizer
from fststyle.paint.frames import FrameStylizer, Steadiness
from fststyle.paint.morph import Morph, parse_morph
from fststyle.runtime.styles import export_styles

Pixels = NDArray[np.uint8]


def test_reading() -> None:
    assert parse_morph("wave, udnie") == Morph(("wave", "udnie"))
    assert (
        parse_morph('wave:0,"a:b":2.5,wave:4')
        == parse_morph("wave:0,a:b:2.5,wave:4")
        == Morph(("wave", "a:b", "wave"), (0, 2.5, 4))
    )
    for text in ("wave,udnie", "wave:0,udnie:12.5,wave:13", '"a,b":0,"c:1":2'):
        assert str(parse_morph(text)) == text
    for bad in ("wave", "", "wave,", "wave:0,udnie", "wave:1,udnie:1", "wave:2,udnie:1", "wave:-1,udnie:1"):
        with pytest.raises(ValueError, match=r"a morph reads like wave,udnie or wave:0,udnie:12\.5"):
            parse_morph(bad)
    for bad in ("wave:nan,udnie:1", "wave:0,udnie:inf"):
        with pytest.raises(ValueError, match="with growing seconds"):
            parse_morph(bad)


def test_what_a_clip_ends_before() -> None:
    morph = parse_morph("wave:0,udnie:10,scream:20")
    assert morph.unreached(5) == "udnie at 10 s"
    assert morph.unreached(12) == "scream at 20 s"
    assert morph.unreached(19.96) is None  # the last frame of twenty seconds
    assert morph.unreached(None) is None
    assert parse_morph("wave,udnie").unreached(1) is None


def test_weights_change_evenly() -> None:
    morph = Morph(("wave", "udnie", "scream"), (1, 3, 4))
    assert [morph.at(time, None) for time in (0, 1, 1.5, 3, 3.25, 4, 9)] == [
        {"wave": 1},
        {"wave": 1},
        {"wave": 0.75, "udnie": 0.25},
        {"udnie": 1, "scream": 0},
        {"udnie": 0.75, "scream": 0.25},
        {"scream": 1},
        {"scream": 1},
    ]
    spread = Morph(("wave", "udnie", "wave"))
    assert spread.at(2.5, 10) == {"wave": 0.5, "udnie": 0.5}
    assert spread.at(10, 10) == {"wave": 1}
    assert spread.at(0, 0) == {"wave": 1}
    assert Morph(("wave", "wave"), (0, 1)).at(0.5, None) == {"wave": 1}
    with pytest.raises(ValueError, match="say at which second each style is reached: wave:0,udnie:10,wave:20"):
        spread.at(0, None)


def test_frames(sibling: Callable[..., Path], tmp_path: Path, photo: Pixels) -> None:
    many = tmp_path / "many.onnx"
    export_styles([sibling(seed, name) for seed, name in enumerate(("one", "two"))], many)
    stylizer = Stylizer(many)
    for follow in (1.0, 0.1):
        function = FrameStylizer(
            stylizer, Steadiness(follow=follow, carry=0), Controls(), Morph(("one", "two"), (0, 4))
        )
        painted = []
        for time in (0, 1, 4):
            function.at(Fraction(time))
            painted.append(function(photo).astype(int))
        for frame, mix in zip(painted, ("one", "one:3,two:1", "two"), strict=True):
            alone = stylizer(photo, mix=mix)
            if follow == 1 or mix == "one":  # later, the held statistics are those of another style
                assert np.abs(frame - alone).max() <= 1
        assert np.abs(painted[0] - painted[2]).mean() > 3
    with pytest.raises(ValueError, match="it has one, two"):
        FrameStylizer(stylizer, morph=Morph(("one", "three")))
    with pytest.raises(ValueError, match="follow=0 would hold the statistics of the first style"):
        FrameStylizer(stylizer, Steadiness(follow=0), morph=Morph(("one", "two")))
    with pytest.raises(ValueError, match="leave the mix out"):
        FrameStylizer(stylizer, controls=Controls(mix="one"), morph=Morph(("one", "two")))
