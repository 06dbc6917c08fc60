"""A case of the fault suite: what is fed, what must happen, and which words the user must read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """A row of FAULTS.md.

    Attributes:
        room: Heading of the table: "photos", "models in", …
        fed: What goes wrong; rows with the same `room` and `fed` are one.
        outcome: What must happen.
        says: Words that must stand on standard error, the remedy among them.
    """

    room: str
    fed: str
    outcome: str
    says: tuple[str, ...] = ()

    def assert_said(self, errors: str) -> None:
        """All of the words, in one line of their own, and no traceback."""
        assert "Traceback" not in errors, errors
        lines = [line for line in errors.splitlines() if all(word in line for word in self.says)]
        assert not self.says or lines, f"{self.says} not in one line of: {errors}"


@dataclass(frozen=True)
class PhotoCase(Case):
    """A picture file for `fststyle stylize`, between two good ones.

    Attributes:
        name: Of the file.
        make: Puts it at a path.
        pixels: What the network must get to see; None where the file is refused.
        own_process: The name cannot be printed in this one.
    """

    name: str = "photo.png"
    make: Callable[[Path], Any] = Path.touch
    pixels: Pixels | None = None
    tolerance: int = 0
    own_process: bool = False


@dataclass(frozen=True)
class ModelCase(Case):
    """An ONNX file for `fststyle stylize`."""

    make: Callable[[Path], Any] = Path.touch


def marked(case: Case, *marks: pytest.MarkDecorator) -> Any:
    """A pytest parameter that stands in the table."""
    return pytest.param(case, id=case.fed, marks=[fault(case), *marks])


def fault(case: Case) -> pytest.MarkDecorator:
    """Put a test into the table; its `case` fixture is the row."""
    return pytest.mark.fault(case.room, case.fed, case.outcome, case.says)
