"""What a package whose names are loaded when they are asked for says of a name that it does not have."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown_name(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error to raise, with the known name that comes nearest, whatever its case."""
    by_lower = {each.lower(): each for each in known}
    near = [by_lower[lower] for lower in get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)]
    advice = f"; did you mean {near[0]}?" if near else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{advice}", name=name)
