"""The sheet of styles: a CSV with a header, or JSON lines; a row a painting, a column an option of `fststyle train`."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fststyle.errors import DataError
from fststyle.system.files import is_file, reason_of, require_regular_file
from fststyle.system.utf8 import utf8
from fststyle.training.arguments import OPTIONS
from fststyle.training.many.cells import problem_of, text_of
from fststyle.training.many.columns import column_of

# Relative to the sheet; the last two may also name a network that ships, or a word.
# Options and the dotted names of those that have another: a relative path is looked up beside the sheet.
_PATHS = {"style", "photos", "data.root", "weights", "config"}
_PERHAPS_PATHS = {"init", "teacher", "model.teacher"}

_MOST_BYTES = 100  # of a name, with which several files are called
_YES, _NO = {"1", "true", "yes", "x"}, {"0", "false", "no"}


@dataclass(frozen=True)
class Row:
    """One painting.

    Attributes:
        number: From 1, in the order of the sheet.
        line: In the file, where it begins.
        name: Of the style.
        file: What its files and its folder are called, without suffix; differs from the others in more than its case.
        settings: Options of `train` by the names that its help shows; of switches, "true" or "false".
        problem: Why it cannot be trained; None if it can.
    """

    number: int
    line: int
    name: str
    file: str
    settings: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


def read_sheet(path: Path) -> list[Row]:
    """Read a sheet; a row that cannot be trained says why, and is no obstacle for the others.

    Raises:
        DataError: The file cannot be read, has no rows, or a column that is no option.
    """
    try:
        require_regular_file(path)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; check the path") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({reason_of(error)})") from error
    text = _decoded(data, path)
    if text.lstrip().startswith("["):
        raise DataError(f'{path} is a list in JSON; write each row as a line of its own, {{"style": "wave.jpg"}}')
    is_json = text.lstrip().startswith("{")
    rows: list[Row] = []
    taken: dict[str, int] = {}
    for line, cells, problem in _json_lines(text, path) if is_json else _csv_lines(text, path):
        row = _row(len(rows) + 1, line, cells, path.absolute().parent, problem)
        key = row.file.casefold()
        if row.problem is None and key in taken:
            row = replace(row, problem=f"line {taken[key]} is called {row.name}, too; give each a name of its own")
        taken.setdefault(key, line)
        rows.append(row)
    if not rows:
        raise DataError(f"{path} has no rows; write a header such as style,steps and a line a painting")
    return rows


def common_settings(words: list[str]) -> dict[str, str]:
    """Options for all rows, as they are typed behind `--`.

    Raises:
        DataError: One is no option that a row may have.
    """
    settings: dict[str, str] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            raise DataError(f"{word} stands where an option is expected; write --steps 2000, for example")
        typed, equals, value = word.partition("=")
        name = column_of(typed)
        if not equals:
            is_switch = name in OPTIONS and not OPTIONS[name].value
            if not is_switch and (not left or left[0].startswith("--")):
                raise DataError(f"{typed} needs a value")
            value = "true" if is_switch else left.pop(0)
        if problem := problem_of(name, value):
            raise DataError(f"behind --, {problem}")
        settings[name] = str(_at_home(value).absolute()) if name in _PATHS else value
    return settings


def _decoded(data: bytes, path: Path) -> str:
    """Text of any program: with or without a byte order mark, which Excel writes."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8; save it as CSV UTF-8") from error


def _csv_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, str], str | None]]:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # Excel writes ; where the comma is for decimals
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    header: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = _header(cells, path)
                continue
            problem = None
            if any(cells[len(header) :]):
                problem = (
                    f"it has {len(cells)} cells, but there are {len(header)} columns; quote cells with {delimiter!r}"
                    + (", and write decimals with a point: 0.5" if delimiter == "," else "")
                )
            yield line, dict(zip(header, cells, strict=False)), problem
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; save it as CSV again") from error


def _header(cells: list[str], path: Path) -> list[str]:
    names = [column_of(cell, path) if cell else "" for cell in cells]
    if "style" not in names:
        raise DataError(f"{path} has no column style, which names the paintings; its first line must name the columns")
    for name in names:
        if name and names.count(name) > 1:
            raise DataError(f"{path} has two columns for {name}; leave one out")
    return names


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, str], str | None]]:
    for line, content in enumerate(re.split(r"\r\n?|\n", text), 1):  # JSON allows other ends of lines in its text
        if not content.strip():
            continue
        try:
            values = json.loads(content, parse_int=str)  # however many digits it has
            cells = {name: text_of(value) for name, value in values.items()} if isinstance(values, dict) else {}
        except RecursionError:
            yield line, {}, "it is nested too deeply; write one value for each name"
            continue
        except ValueError as error:
            raise DataError(f"{path}, line {line} is not JSON ({error}); write an object a line") from error
        if not isinstance(values, dict):
            raise DataError(f'{path}, line {line} is not an object; write one such as {{"style": "wave.jpg"}}')
        yield line, {column_of(name, path): text for name, text in cells.items()}, None


def _as_text(value: str) -> str:
    """Without what no file and no command line can hold."""
    return utf8(value.replace("\0", "\ufffd")).decode()


def _at_home(path: str) -> Path:
    """A path that may begin with ~.

    Raises:
        DataError: There is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(f"{path} begins with a user who is not there; write the whole path") from error


def _row(number: int, line: int, cells: dict[str, str], folder: Path, problem: str | None) -> Row:
    settings = {name: _as_text(value) for name, value in cells.items() if name and value}
    if any(settings[name] != cells[name] for name in settings):
        problem = problem or "it holds a character that is in no text, such as half of a pair; write it anew"
    for name in settings:
        problem = problem or problem_of(name, settings[name])
        if name in OPTIONS and not OPTIONS[name].value:
            if settings[name].lower() not in _YES | _NO:
                problem = problem or f"{name} is yes or no, not {settings[name]!r}"
            settings[name] = "true" if settings[name].lower() in _YES else "false"
        elif name in _PATHS or (name in _PERHAPS_PATHS and is_file(folder / settings[name])):
            try:
                settings[name] = str(folder / _at_home(settings[name]))
            except DataError as error:
                problem = problem or str(error)
    settings = {name: value for name, value in settings.items() if value}
    name = settings.pop("name", "") or Path(settings.get("style", "")).stem
    file = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", name)).strip("._")
    if "style" not in settings:
        problem = problem or "it names no painting; fill in the column style"
    elif not is_file(Path(settings["style"])):
        hint = ", and that the first line separates its cells as the others do" if ";" in settings["style"] else ""
        problem = problem or f"there is no painting {settings['style']}; check the column style{hint}"
    elif utf8(settings["style"]).decode() != settings["style"]:
        problem = problem or f"{settings['style']} is not UTF-8; give the file or its folder another name"
    elif not file or len(file.encode()) > _MOST_BYTES:
        problem = problem or f"{name!r} is no name for files; give another one in the column name"
    return Row(number, line, name, file or f"row_{number}", settings, problem)
