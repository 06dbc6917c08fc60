"""A site's folder on disk. It may also hold what is not of the site, as the .git and CNAME of GitHub Pages."""

import json
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from fststyle.errors import FststyleError
from fststyle.system.files import is_folder, is_there, reason_of

MARK = "site.json"
"""The file that says what the site is; its `files` are the names of all that were written."""


def refuse_other_folder(output: Path) -> None:
    """Refuse a folder that is neither empty nor a site; what hosts and Git keep there does not count.

    Raises:
        FststyleError: It holds something else, is a file, or cannot be read.
    """
    if not is_there(output):
        return
    if not is_folder(output):
        raise FststyleError(f"{output} is a file, and a site is a folder; choose another output")
    try:
        names = {path.name for path in output.iterdir()}
    except OSError as error:
        raise FststyleError(f"{output} cannot be read ({reason_of(error)}); choose another output") from error
    others = {name for name in names if not name.startswith(".") and name != "CNAME"}
    if others and not {MARK, "index.html", "offline.js"} <= names:
        raise FststyleError(f"{output} holds something else than a site of fststyle; choose another output")


def write_folder(output: Path, files: Mapping[str, bytes]) -> None:
    """Put a site into its folder: of an older site only its own files go, and every other file stays.

    All is written aside before the first file is replaced, so that a full disk leaves the older site as it was.

    Args:
        output: The folder; it is made if it is not there.
        files: What to write, by the place in the folder, with `site.json`.

    Raises:
        FststyleError: It cannot be written.
    """
    target = output.resolve()
    # Inside of a folder that is there: it may be a volume of its own, and files move only within one.
    aside = (target if is_there(target) else target.parent) / f".{secrets.token_hex(8)}.new"
    try:
        for name, data in files.items():
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if not is_there(target):
            aside.rename(target)
            return
        older = _files_of(target)
        for name in sorted(files, key=lambda name: name == MARK):  # the mark last: it names the others
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(target / name)
        _remove(target, older, files)
    except OSError as error:
        raise FststyleError(f"cannot write {output} ({reason_of(error)}); choose another place") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _files_of(target: Path) -> list[str]:
    """The files that the site in this folder says are its own; none if it does not say."""
    try:
        names = json.loads((target / MARK).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _remove(target: Path, older: list[str], files: Mapping[str, bytes]) -> None:
    """Remove what the older site had and the new one lacks."""
    kept = {name.casefold() for name in files}  # for some disks, small and capital letters are one
    for name in older:
        place = PurePosixPath(name)
        if name.casefold() in kept or place.is_absolute() or ".." in place.parts:
            continue
        path = target / place
        # A folder that is a link leads out of the site.
        if path.parent.resolve().is_relative_to(target) and (path.is_symlink() or path.is_file()):
            path.unlink()
            with suppress(OSError):  # the folder holds more
                if path.parent != target:
                    path.parent.rmdir()
