"""What became of a sheet: a table for programs, and a page with each painting, what is painted, and the costs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fststyle.errors import FststyleError, TrainingError
from fststyle.samples import photos
from fststyle.system.extras import extra
from fststyle.system.file_kinds import Kind
from fststyle.system.files import atomic_write, is_file, is_folder, reason_of, refuse_other_kind
from fststyle.system.utf8 import utf8
from fststyle.training.many.plan import REPORT, Request, State
from fststyle.training.many.sheet import Row

RESULTS = "results.csv"

_COSTS = ("total_loss", "content_loss", "style_loss")
_COLUMNS = ("name", "status", "steps", "seconds", *_COSTS, "judge", "network", "error")
_SHOWN_SIDE = 256
_SAMPLES = ("cat.jpg", "temple.jpg")


@dataclass(frozen=True)
class Entry:
    """A row of the sheet, and what became of it; without a request, it could not even be asked for."""

    row: Row
    request: Request | None
    state: State


def check_places(output: Path) -> None:
    """Find out before the work whether table and page can be written.

    Raises:
        TrainingError: They are folders, or not ours.
    """
    table, page = output / RESULTS, output / REPORT
    for path in (table, page):
        if is_folder(path):
            raise TrainingError(f"{path} is a folder; move it away, or give another --output")
    refuse_other_kind(page, Kind.PAGE, TrainingError)
    try:
        found = table.read_bytes() if is_file(table) else b""
    except OSError as error:
        raise TrainingError(f"cannot read {table} ({reason_of(error)}); give another --output") from error
    if found and not found.startswith(",".join(_COLUMNS[:4]).encode()):
        raise TrainingError(f"{table} was not made by this command; move it away, or give another --output")


def write_results(output: Path, entries: Sequence[Entry]) -> None:
    """A CSV with a line a row.

    Raises:
        TrainingError: It cannot be written.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for entry in entries:
        state = entry.state
        network = "" if entry.request is None or state.status != "done" else entry.request.network.name
        costs = [f"{state.costs[name]:.6g}" if name in state.costs else "" for name in _COSTS]
        facts = [entry.row.name, state.status, state.steps, f"{state.seconds:.1f}", *costs, state.judge, network]
        writer.writerow([*facts, state.error or ""])
    try:
        atomic_write(output / RESULTS, utf8(buffer.getvalue()))
    except OSError as error:
        raise TrainingError(
            f"cannot write {output / RESULTS} ({reason_of(error)}); make room, or give another --output"
        ) from error


def write_report(output: Path, entries: Sequence[Entry], sheet: Path) -> Path:
    """The page; needs the extra `train`.

    Raises:
        FststyleError: It is not installed, or the page cannot be written.
    """
    with extra("train"):
        from fststyle.training.pages.page import write_page

    done = [entry for entry in entries if entry.state.status == "done"]
    write_page(
        output / REPORT,
        "many.html.j2",
        title=f"{sheet.name}: {len(done)} of {len(entries)} styles",
        rows=[_shown(entry) for entry in entries],
        judges=sorted({entry.state.judge for entry in done}),
    )
    return output / REPORT


def _shown(entry: Entry) -> dict[str, Any]:
    state = entry.state
    settings = [f"{name} {value}" for name, value in entry.row.settings.items() if name != "style"]
    return {
        "name": entry.row.name,
        "status": state.status,
        "error": state.error,
        "settings": ", ".join(settings),
        "steps": f"{state.steps:,}" if state.steps else "",
        "minutes": f"{state.seconds / 60:.1f}" if state.seconds else "",
        "costs": [f"{state.costs[name]:.3g}" if name in state.costs else "" for name in _COSTS],
        "pictures": _pictures(entry),
    }


def _pictures(entry: Entry) -> list[str]:
    """The painting and two photos painted, as data URIs; fewer where something cannot be read."""
    from fststyle.paint.stylizer import Stylizer
    from fststyle.pictures.files import fit_longer_side, read_picture
    from fststyle.training.pages.page import picture_uri

    shown = []
    try:
        painting = read_picture(entry.row.settings.get("style", ""), min_side_hint=_SHOWN_SIDE)
        shown.append(picture_uri(fit_longer_side(painting.rgb, _SHOWN_SIDE)))
        if entry.state.status == "done" and entry.request is not None and is_file(entry.request.network):
            stylizer = Stylizer(entry.request.network, "cpu")
            for photo in (path for path in photos() if path.name in _SAMPLES):
                small = fit_longer_side(read_picture(photo, min_side_hint=_SHOWN_SIDE).rgb, _SHOWN_SIDE)
                shown.append(picture_uri(stylizer(small)))
    except FststyleError:
        return shown
    return shown
