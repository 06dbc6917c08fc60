"""Lists of names with numbers, as "wave:0.3,udnie:0.7": blends, mixes and morphs.

A name with a comma or a colon stands in double quotes; quotes in it are doubled, as in CSV: "a:0.5,b.onnx":0.7. A colon
that no number follows needs none.
"""

import re
from typing import NamedTuple

# A quoted name and its number, or all up to the next comma.
_ENTRY = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*(?::([^,]*))?|(?!")([^,]*))(,|$)')

_NEEDS_QUOTES = re.compile(r'[,:"]|^\s|\s$')


class Entry(NamedTuple):
    """One of a list.

    Attributes:
        name: Of what is meant.
        number: What stands behind the last colon; None if there is none.
        whole: The entry as it was written, for whoever takes that colon for a part of the name; None of a quoted name,
            whose colons are its own.
    """

    name: str
    number: str | None
    whole: str | None


def entries(text: str) -> list[Entry]:
    """Read a list; of "" it is one entry without a name.

    Raises:
        ValueError: Quotes do not match.
    """
    found: list[Entry] = []
    place, more = 0, ","
    while more:
        match = _ENTRY.match(text, place)
        if match is None:
            raise ValueError(f'the quotes in {text} do not match; a name is quoted at both ends: "a:0.5,b.onnx":0.7')
        quoted, number, bare, more = match.groups()
        if quoted is not None:
            found.append(Entry(quoted.replace('""', '"'), number and number.strip(), None))
        else:
            name, colon, behind = bare.strip().rpartition(":")
            found.append(Entry(name.rstrip(), behind.strip(), bare.strip()) if colon else Entry(behind, None, behind))
        place = match.end()
    return found


def entry(name: str, number: float | None = None) -> str:
    """The text of one, as `entries` reads it."""
    if _NEEDS_QUOTES.search(name):
        name = '"' + name.replace('"', '""') + '"'
    return name if number is None else f"{name}:{number:g}"
