"""One thing, and several."""

import pytest

from fststyle.system.counts import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (1200, "1,200 photos")]
)
def test_counted(number: int, words: str) -> None:
    assert counted(number, "photo") == words
