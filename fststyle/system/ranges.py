"""Whether an argument is a number of a range; whatever is none, a word or an array, is not in it either."""

import operator
from numbers import Real

from fststyle.system.one_line import one_line

# Letters of a wrong argument that are shown.
_MOST = 60


def in_range(value: object, least: float, most: float = float("inf")) -> bool:
    """Whether it is a number from `least` to `most`."""
    try:
        return bool(least <= value <= most)  # type: ignore[operator]
    except (TypeError, ValueError):  # no number, or several
        return False


def is_whole(value: object, least: float, most: float = float("inf")) -> bool:
    """Whether it is a whole number from `least` to `most`; 2.0 is none."""
    try:
        return in_range(operator.index(value), least, most)  # type: ignore[arg-type]
    except TypeError:
        return False


def shown(value: object) -> str:
    """A wrong argument, for a message: in one line, and words in quotes."""
    return one_line(value if isinstance(value, Real) else repr(value), _MOST)
