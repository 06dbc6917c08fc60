"""What the cell of an option may hold; `fststyle train` judges the rest."""

import math
import re
from typing import Any

from fststyle.training.arguments import OPTIONS

# One of them ends a training; a row's own takes the place of that for all rows.
ENDS = ("minutes", "steps", "epochs")

_NUMBERS = {"N", "W", "RATE"}  # values of options as their help shows them

# No number of a training has more digits. Memory is shared out in floats, which very large ones do not fit into.
_MOST_DIGITS = 15

_SHOWN = 20  # of the characters of a cell


def text_of(value: Any) -> str:
    """What a value in JSON would be in a CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def problem_of(name: str, value: str) -> str | None:
    """Why an option cannot have this value, in a sheet or behind `--`; None if it can, as far as is seen here."""
    kind = OPTIONS[name].value if name in OPTIONS else ""
    if kind in _NUMBERS and re.fullmatch(r"[+-]?\d+,\d+", value):
        return f"{name} is {value}; write {value.replace(',', '.')}, with a point"
    if kind in _NUMBERS or name not in OPTIONS:
        return _problem_of_number(name, value, must_be=kind in _NUMBERS)
    if kind == "PIXELS":
        found = (_problem_of_number(name, part.strip(), must_be=True) for part in value.split(","))
        return next(filter(None, found), None)
    return None


def _problem_of_number(name: str, value: str, *, must_be: bool) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return f"{name} is {shown(value)!r}; write a number" if must_be else None
    if not math.isfinite(number):
        return f"{name} is {shown(value)}; write a finite number"
    if abs(number) >= 10**_MOST_DIGITS:
        return f"{name} is {shown(value)}; write a number of at most {_MOST_DIGITS} digits"
    if name in ENDS and number <= 0:
        return f"{name} is {shown(value)}; write a number above 0"
    return None


def shown(value: str, most: int = _SHOWN) -> str:
    """A cell as a message names it, in so many characters."""
    return value if len(value) <= most else f"{value[:most]}… ({len(value)} characters)"
