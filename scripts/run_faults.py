"""Run every case of the fault suite and write FAULTS.md from what came out.

python scripts/run_faults.py [PYTEST ARGUMENT…]; with arguments, as for a part of the suite, nothing is written.
"""

import os
import platform
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fststyle.system.files import atomic_write

ROOT = Path(__file__).resolve().parents[1]
INPUTS = "2000"


@dataclass
class Row:
    """A row of the table: one case, in all its variants."""

    outcome: str
    says: tuple[str, ...]
    results: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        """In words."""
        bad = self.results["failed"]
        if bad:
            return f"**BROKEN** ({bad} of {self.results.total()})"
        if not self.results["passed"]:
            return "not run here"
        return "holds" if self.results["passed"] == 1 else f"holds, {self.results['passed']} variants"


class Table:
    """Collects the outcome of every test that carries a `fault` mark."""

    def __init__(self) -> None:
        self.rooms: dict[str, dict[str, Row]] = {}
        self.rows: dict[str, Row] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Make a row of each case, in the order of the tests."""
        for item in items:
            mark = item.get_closest_marker("fault")
            if mark is not None:
                room, fed, outcome, says = mark.args
                row = self.rooms.setdefault(room, {}).setdefault(fed, Row(outcome, says))
                self.rows[item.nodeid] = row

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count passes, failures and skips."""
        row = self.rows.get(report.nodeid)
        if row is None or (report.when != "call" and report.passed):
            return
        row.results[report.outcome] += 1
        row.found += [str(value) for key, value in report.user_properties if key == "found" and report.when == "call"]


def main() -> int:
    os.environ.setdefault("FSTSTYLE_FUZZ", INPUTS)
    os.chdir(ROOT)
    table, began = Table(), time.monotonic()
    status = pytest.main(["-m", "fault and not gpu and not shared", "-q", *sys.argv[1:]], plugins=[table])
    minutes = (time.monotonic() - began) / 60
    if len(sys.argv) == 1:
        atomic_write(ROOT / "FAULTS.md", _page(table, minutes).encode())
    cases = sum(map(len, table.rooms.values()))
    print(f"{cases} cases in {minutes:.0f} minutes; {'see above' if status else 'all hold'}")
    return int(status)


def _page(table: Table, minutes: float) -> str:
    lines = [
        "# Faults",
        "",
        "Each row feeds fststyle something broken and states the outcome. `scripts/faults` runs every row and writes",
        "this file. The quick rows also run with `scripts/test`. [SECURITY.md](SECURITY.md) says what is not",
        "protected.",
        "",
        f"The last run: {minutes:.0f} minutes, Python {platform.python_version()}, {os.cpu_count()} cores.",
        "",
        *_summary(table),
    ]
    for room, rows in table.rooms.items():
        lines += ["", f"## {room}", "", "| fed | what must happen | what must be said | result |", "|---|---|---|---|"]
        for fed, row in rows.items():
            found = f" ({'; '.join(dict.fromkeys(row.found))})" if row.found else ""
            cells = (fed, row.outcome, " … ".join(row.says), row.result + found)
            lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _summary(table: Table) -> list[str]:
    lines = ["| | cases | tests | broken |", "|---|---|---|---|"]
    for room, rows in table.rooms.items():
        tests = sum((row.results for row in rows.values()), Counter())
        lines.append(f"| {room} | {len(rows)} | {tests['passed'] + tests['failed']} | {tests['failed'] or ''} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
