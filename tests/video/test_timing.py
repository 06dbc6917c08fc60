import warnings
from fractions import Fraction

import pytest

from fststyle.video.timing import Monotonic, at_rate, parse_rate, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"), [("12.5", Fraction(25, 2)), ("1:30", 90), ("1:02:03.25", Fraction(14893, 4)), (".5", 0.5)]
)
def test_times_are_read_as_people_write_them(text: str, seconds: Fraction) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "now", "-3", "1:2:3:4"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "rate"), [("25", 25), ("23.976", Fraction(24000, 1001)), ("29.97", Fraction(30000, 1001)), ("30", 30)]
)
def test_television_rates_are_fractions(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["0", "-5", "fast", "1/0", "5000"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a frame rate|must be above 0 and at most 1000, not"):
        parse_rate(text)


def test_times_stay_as_they_are_where_they_go_forward() -> None:
    with warnings.catch_warnings(action="error"):
        place = Monotonic(Fraction(1, 1000), 40, "a.mp4")
        assert [place(pts) for pts in (7, 50, 51, 400)] == [7, 50, 51, 400]


def test_a_frame_out_of_place_follows_the_one_before() -> None:
    place = Monotonic(Fraction(1, 1000), 40, "a.mp4")
    with pytest.warns(UserWarning, match="mended"):
        assert [place(pts) for pts in (0, 80, 40, 120, None)] == [0, 80, 81, 120, 160]


def test_a_count_that_starts_again_is_continued() -> None:
    place = Monotonic(Fraction(1, 1000), 40, "a.mp4")
    with pytest.warns(UserWarning, match="mended"):
        assert [place(pts) for pts in (5000, 5040, 0, 40)] == [5000, 5040, 5080, 5120]


def test_frames_are_repeated_and_left_out() -> None:
    def frames(*seconds: str, last: str) -> list[tuple[str, Fraction, Fraction]]:
        return [(name, Fraction(time), Fraction(last)) for name, time in zip("abcd", seconds, strict=False)]

    def at(rate: int, given: list[tuple[str, Fraction, Fraction]]) -> list[tuple[str, int]]:
        return list(at_rate(given, Fraction(rate)))

    quarters = frames("0", "1/4", "1/2", "3/4", last="1/4")
    assert "".join(name for name, _ in at(8, quarters)) == "aabbccdd"
    assert at(2, quarters) == [("a", 0), ("c", 1)]
    assert at(1, frames("0", last="1/100")) == [("a", 0)]
    assert at(1, frames("0.08", last="1/25")) == [("a", 1)]
    assert "".join(name for name, _ in at(10, frames("0", "0.13", "0.14", "1/2", last="1/10"))) == "aacccd"
    assert "".join(name for name, _ in at(2, frames("0", "1", last="3"))) == "aabbbbbb"
