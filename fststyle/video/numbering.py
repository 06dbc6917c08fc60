"""Frames as files: which they are, in which order, and whether one is missing."""

import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from fststyle.errors import VideoError
from fststyle.pictures.files import find_images
from fststyle.system.files import is_file, is_folder, is_there

_NUMBERED = re.compile(r"%0?\d*d")  # as ffmpeg writes it
_NAMED = 3  # gaps, in the warning


def is_pictures(text: str) -> bool:
    """Whether this names a folder or a pattern rather than a file."""
    is_pattern = glob.has_magic(text) or _NUMBERED.search(text) is not None
    return is_folder(Path(text)) or (is_pattern and not is_there(Path(text)))


def find_pictures(text: str) -> list[Path]:
    """The pictures of a folder or pattern, frame 10 behind frame 9, small and capital letters alike.

    Args:
        text: A folder, "frames/*.png", or "frames/f%04d.png".

    Raises:
        VideoError: There are none.
    """
    if is_folder(Path(text)):
        found = find_images(Path(text))
    else:
        found = [path for path in map(Path, _matches(text)) if is_file(path)]
    if not found:
        raise VideoError(f"{text} holds no pictures; name a folder of frames or a quoted pattern")
    return sorted(found, key=lambda path: ([_natural(part) for part in path.parts], str(path)))


def missing(paths: Sequence[Path]) -> str | None:
    """The numbers that are left out among frames in their order, such as "3, 7-9"; None if there are none.

    Frames that are numbered in steps, or not regularly at all, miss nothing.
    """
    numbers = [_number(path) for path in paths]
    kinds = {kind for kind, _ in numbers}
    steps = [later - earlier for (_, earlier), (_, later) in pairwise(numbers)]
    if len(kinds) != 1 or None in kinds or not steps:
        return None
    counts = Counter(steps)
    most = max(counts.values())
    step = min(step for step, count in counts.items() if count == most)
    if step < 1 or 2 * most < len(steps):
        return None
    gaps = [
        _range(earlier + step, later - step) for (_, earlier), (_, later) in pairwise(numbers) if later - earlier > step
    ]
    return None if not gaps else ", ".join(gaps[:_NAMED]) + (" and more" if len(gaps) > _NAMED else "")


def _matches(text: str) -> list[str]:
    name = os.path.basename(text)  # noqa: PTH119 -- Path would drop a "./"
    folder = text.removesuffix(name)
    if not is_folder(Path(folder)):  # else its name is no pattern, whatever characters it has
        folder, name = "", text
    before = glob.escape(folder)
    if _NUMBERED.search(name) is None:
        return glob.glob(before + name, recursive=True)  # noqa: PTH207
    parts = _NUMBERED.split(name)
    pattern = re.compile(re.escape(folder) + r"\d+".join(map(re.escape, parts)))
    wide = before + "*".join(map(glob.escape, parts))
    return [found for found in glob.glob(wide) if pattern.fullmatch(found)]  # noqa: PTH207


def _natural(part: str) -> list[str | int]:
    """Text and numbers in turn."""
    pieces: list[str | int] = list(re.split(r"(\d+)", part.casefold()))
    pieces[1::2] = [int(number) for number in pieces[1::2]]
    return pieces


def _number(path: Path) -> tuple[tuple[Path, str, str] | None, int]:
    """What a frame's name has besides its number, and the number."""
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem.casefold())
    return (None, 0) if found is None else ((path.parent, found[1], found[3]), int(found[2]))


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
