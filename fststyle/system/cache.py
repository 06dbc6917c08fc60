"""The folder for what is fetched once and kept: weights of loss networks, networks that the wheel leaves out."""

import os
import sys
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """`$FSTSTYLE_CACHE`; else `fststyle` in `$XDG_CACHE_HOME` or in the system's folder for caches. Nothing is made.

    That is `~/.cache`, on a Mac `~/Library/Caches`, on Windows `%LOCALAPPDATA%`. An account without a home gets the
    folder for temporary files.
    """
    # os.path.expanduser leaves alone what it cannot resolve; Path's own raises an error.
    if own := os.environ.get("FSTSTYLE_CACHE"):
        return Path(os.path.expanduser(own))  # noqa: PTH111
    return Path(os.environ.get("XDG_CACHE_HOME") or _of_the_system()) / "fststyle"


def _of_the_system() -> Path:
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local)
    try:
        home = Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir())
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
