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
    """All sections, and where they are written; in the order of those that there are."""

    json_file: Path
    page: Path
    device: str
    sections: dict[str, Section]
    order: tuple[str, ...] = ()

    def take_over(self) -> None:
        """Take over the sections that an earlier call on such a device has brought to their end.

        Raises:
            TypeError, ValueError: The file holds something else; nothing is taken over then.
        """
        try:
            content = json.loads(self.json_file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, RecursionError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(content, dict) or not isinstance(content.get("sections"), dict):
            raise TypeError("it has no sections")
        if content.get("device") != self.device:
            raise ValueError(f"they are of the device {content.get('device')}")
        earlier = {name: Section(**facts) for name, facts in content["sections"].items() if name in self.order}
        if not all(isinstance(each.seconds, int | float) and isinstance(each.found, dict) for each in earlier.values()):
            raise TypeError("a section has no results")
        done = {name: section for name, section in earlier.items() if section.state == DONE}
        merged = self.sections | done
        self.sections = {name: merged[name] for name in self.order if name in merged}

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
