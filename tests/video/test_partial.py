"""How a run that goes on with another one's settings is refused."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fststyle.errors import VideoError
from fststyle.video.clip import Cut
from fststyle.video.job import Job, identity_of
from fststyle.video.partial import in_words, refuse_another


def job(*, codec: str = "h264", crf: int | None = None, cut: Cut | None = None, **identity: Any) -> Job:
    return Job("in.y4m", "out.mkv", cut or Cut(), codec=codec, crf=crf, identity=identity)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (job(), job(codec="hevc"), "with codec h264, not hevc"),
        (job(codec="hevc", crf=25), job(codec="ffv1"), "with codec hevc, not ffv1"),
        (job(crf=25), job(), "with crf 25, not 19"),
        (job(network="ab", carry=0.4), job(network="cd", carry=0.6), "with another network"),
        (job(carry=0.4), job(carry=0), "with carry 0.4, not 0"),
        (job(carry=0), job(carry=0.4), "with carry 0, not 0.4"),
        (job(morph="a,b"), job(), "with morph a,b"),
        (job(), job(morph="a,b"), "without morph"),
        (job(keep_color=True), job(keep_color=False), "with keep-color"),
        (job(keep_color=False), job(keep_color=True), "without keep-color"),
        (job(mask="ab"), job(mask="cd"), "with another mask"),
        (job(mask=None), job(mask="cd"), "without mask"),
        (job(mask="ab"), job(mask=None), "with mask"),
        (job(cut=Cut(max_side=640)), job(cut=Cut(rate=Fraction(12))), "with max-side 640 and without fps"),
    ],
)
def test_what_was_changed_is_named(before: Job, now: Job, said: str) -> None:
    """And not what changes with it: with the codec its crf, with the network its carry."""
    with pytest.raises(VideoError) as refused:
        refuse_another(Path("out.part.mkv"), identity_of(before), identity_of(now))
    expected = f"out.part.mkv was made {said}; give the same again, or start anew with --restart"
    assert str(refused.value) == expected


def test_the_same_settings_are_not_refused() -> None:
    """Also if one of them does not name what is not set."""
    refuse_another(Path("out.part.mkv"), identity_of(job(morph=None)), identity_of(job(crf=19)))


@pytest.mark.parametrize(
    ("seconds", "words"), [(1.9, "1.9 s"), (0, "0.0 s"), (59.97, "1:00.0"), (67, "1:07.0"), (3723.44, "1:02:03.4")]
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
