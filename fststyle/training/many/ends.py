"""What ends the training of a row; one that has steps already may end later than it was to, and not otherwise."""

import math
from collections.abc import Mapping

from fststyle.errors import TrainingError
from fststyle.training.arguments import OPTIONS
from fststyle.training.many.cells import ENDS
from fststyle.training.many.plan import Request
from fststyle.training.remedies import GO_BACK

_NAMES = {OPTIONS[name].target: name for name in ENDS}


def refuse_another_end(request: Request) -> None:
    """Refuse to go on with a row that is to end earlier than it was to, or by another measure.

    Raises:
        TrainingError: How it was to end, and how it is now.
    """
    before = Request.read(request.folder)
    if before is None:
        return
    began, now = _end_of(before), _end_of(request)
    later = began.keys() == now.keys() and all(_number(now[name]) >= _number(began[name]) for name in began)
    if began != now and not later:
        raise TrainingError(f"this row began with {_said(began)}, not {_said(now)}; {GO_BACK}")


def _end_of(request: Request) -> dict[str, str]:
    """What its arguments say of its end, by the short names."""
    said = [word.removeprefix("--").partition("=") for word in request.arguments]
    named = {_NAMES.get(name, name): value for name, _, value in said}
    return {name: named[name] for name in ENDS if name in named}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _said(end: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in end.items()) or "the usual length"
