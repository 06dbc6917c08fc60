"""The README and the pages of docs/, as tests read them: their commands, their programs, their links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of one language, without their indentation."""
    found = _BLOCK.findall(page.read_text("utf-8"))
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, name, text in found if name == language]


def commands(page: Path) -> list[str]:
    """Every line of the page's shell blocks, without comments."""
    lines = [line for block in blocks(page, "bash") for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines) if line]


def words_of(line: str) -> list[str]:
    """Of a line that calls fststyle: its arguments, without redirections."""
    words = shlex.split(line.split(" < ")[0].split(" > ")[0].split(" | ")[0])
    return words[1:]


def lines_that_call(program: str) -> Iterator[tuple[Path, str]]:
    """Every such line of every page."""
    for page in PAGES:
        yield from ((page, line) for line in commands(page) if line.split()[0] == program)


def options_of_tables(page: Path) -> list[str]:
    """What the right column of the page's tables suggests, such as `--strength 0.6`."""
    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("|")]
    return [option for row in rows for option in re.findall(r"`(--[a-z][^`]*)`", row.rpartition(" | ")[2])]
