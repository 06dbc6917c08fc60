"""The tests that are marked `gpu`, by pytest; each outcome is told at once."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from gpu_section import Asked

ROOT = Path(__file__).resolve().parents[2]


class Outcomes:
    """Tells the outcome of each test."""

    def __init__(self, asked: "Asked") -> None:
        self.asked = asked
        self.counts: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
        """Count and tell; a skipped or failed one with its reason."""
        if report.when != "call" and report.passed:
            return
        self.counts[report.outcome] += 1
        self.asked.tell("outcomes", dict(self.counts))
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        elif report.failed:
            reason = str(report.longrepr).strip().splitlines()[-1]
        name = report.nodeid.rpartition("/")[2]
        self.asked.row("tests", test=name, result=report.outcome, seconds=round(report.duration, 2), why=reason)
        for key, value in report.user_properties:
            self.asked.row("measured", test=name, what=key, value=value)


def run(asked: "Asked") -> int:
    """Fails if one fails."""
    import pytest

    os.environ["FSTSTYLE_GPU_TESTS"] = asked.device
    os.chdir(ROOT)
    arguments = ["-m", "gpu", "-q", "-p", "no:cacheprovider", "--tb=short", "tests/training/gpu"]
    return int(pytest.main(arguments, plugins=[Outcomes(asked)]))
