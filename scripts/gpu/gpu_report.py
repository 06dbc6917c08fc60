"""What a check of a GPU has found so far: one JSON file, and a Markdown page of it. Both are rewritten at each news."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fststyle.system.files import atomic_write

DONE, FAILED, CUT, NOT_RUN = "done", "failed", "cut short", "not run"


@dataclass
class Section:
    """One part of the check.

    Attributes:
        state: `DONE`, `FAILED`, `CUT` or `NOT_RUN`.
        seconds: It took.
        error: What went wrong, in a line or a few.
        found: Its results by name: values, or tables as lists of rows.
    """

    state: str = NOT_RUN
    seconds: float = 0.0
    error: str = ""
    found: dict[str, Any] = field(default_factory=dict)


@dataclass
class Report:
    """All sections, and where they are written."""

    json_file: Path
    page: Path
    device: str
    sections: dict[str, Section]

    def write(self) -> None:
        """Write both files.

        Raises:
            OSError: One of them cannot be written.
        """
        content = {"device": self.device, "sections": {name: vars(each) for name, each in self.sections.items()}}
        atomic_write(self.json_file, (json.dumps(content, indent=1) + "\n").encode())
        atomic_write(self.page, self.markdown().encode())

    def markdown(self) -> str:
        """The page."""
        card = self.sections["machine"].found.get("card", self.device) if "machine" in self.sections else self.device
        lines = [f"# fststyle on {card}", "", "| section | result | seconds |", "|---|---|---|"]
        lines += [f"| {name} | {each.state} | {each.seconds:.0f} |" for name, each in self.sections.items()]
        for name, each in self.sections.items():
            if not (each.found or each.error):
                continue
            lines += ["", f"## {name.capitalize()}", ""]
            if each.error:
                lines += ["```", each.error, "```", ""]
            for key, value in each.found.items():
                lines += _table(key, value) if _is_table(value) else [f"- {key}: {_shown(value)}"]
        return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _table(title: str, rows: list[dict[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["", f"**{title}**", "", f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(_shown(row.get(name, "")) for name in names) + " |" for row in rows]
    return [*lines, ""]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(each)}" for key, each in value.items())
    return str(value).replace("|", "\\|").replace("\n", " ")
