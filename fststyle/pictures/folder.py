"""Folders of pictures."""

import os
from collections import Counter
from pathlib import Path

from fststyle.errors import ImageError
from fststyle.pictures.formats import HEIF_SUFFIXES, is_other_picture, is_picture
from fststyle.system.files import is_file, is_folder
from fststyle.system.warn import warn


def find_images(root: Path) -> list[Path]:
    """List the picture files below a folder, sorted, by suffix; nothing is opened.

    Hidden files and folders are skipped, links followed, but no folder is entered twice. A folder that may not be
    read, or looked into, is named in a warning. Pictures in formats that we do not read are counted in one.

    Raises:
        ImageError: `root` is not a folder, or may not be read.
    """
    if not is_folder(root):
        raise ImageError(f"{root} is not a folder; name one that holds pictures")

    def leave_out(error: OSError) -> None:
        if error.filename == str(root):
            raise ImageError(f"{root} may not be read; check its permissions") from error
        warn(f"{error.filename} is left out: {error.strerror}")

    found: list[Path] = []
    others: Counter[str] = Counter()
    entered = {_identity(root)}
    for folder, subfolders, names in os.walk(root, onerror=leave_out, followlinks=True):
        fresh: list[str] = []
        for name in sorted(subfolders):
            if name.startswith("."):
                continue
            try:
                identity = _identity(Path(folder, name))
            except OSError as error:
                leave_out(error)
                continue
            if identity not in entered:
                entered.add(identity)
                fresh.append(name)
        subfolders[:] = fresh
        for name in names:
            path = Path(folder, name)
            if name.startswith(".") or not is_file(path):
                continue
            if is_picture(path):
                found.append(path)
            elif is_other_picture(path):
                others[path.suffix.lower()] += 1
    if others:
        count = others.total()
        files, are = ("files", "are") if count > 1 else ("file", "is")
        suffixes = ", ".join(sorted(others))
        warn(f"{count} {files} in {root} {are} left out: {suffixes}; save them as JPEG or PNG{_heif_hint(others)}")
    return sorted(found)


def _heif_hint(others: Counter[str]) -> str:
    return ", or pip install 'fststyle[heif]'" if others.keys() & HEIF_SUFFIXES else ""


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
