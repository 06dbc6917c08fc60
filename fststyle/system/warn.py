"""Warnings that point to the line of the user's program, not to one of ours."""

import os
import sys
import warnings
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


def warn(message: str) -> None:
    """Warn where the package was called from.

    Python 3.12's `skip_file_prefixes` does this; a fixed `stacklevel` is wrong as soon as a function has two callers.
    """
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, stacklevel=level)
