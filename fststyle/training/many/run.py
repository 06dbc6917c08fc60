"""A sheet of styles from beginning to end: what is done is left alone, what fails is listed, the others go on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fststyle.errors import DataError, FststyleError, TrainingError
from fststyle.system.extras import extra
from fststyle.system.files import is_file, reason_of
from fststyle.system.warn import warn
from fststyle.training.many.clusters import run_on_ray, slurm_script, write_slurm_script
from fststyle.training.many.launch import CORES_EACH, Shares, run_here, run_row, shares
from fststyle.training.many.plan import Request, State, device_of, found_of, memory_of, request_of, state_of
from fststyle.training.many.report import Entry, check_places, write_report, write_results
from fststyle.training.many.sheet import Row, read_sheet


@dataclass(frozen=True)
class Many:
    """What is to be trained, and how.

    Attributes:
        sheet: A CSV or JSON lines.
        output: The folder of all runs and networks.
        common: Options of `train` for all rows; a row's own take their place.
        jobs: Trainings at the same time; None is as many as the machine has room for.
        threads: Of each; None is a fair share, and two on a cluster.
        memory: Bytes for all of them on one machine, or for each on a cluster; None is half of what is free.
    """

    sheet: Path
    output: Path
    common: Mapping[str, str] = field(default_factory=dict)
    jobs: int | None = None
    threads: int | None = None
    memory: int | None = None


def train_many(
    many: Many,
    *,
    on: str = "here",
    begun: Callable[[str], None] = lambda _: None,
    told: Callable[[str, State], None] = lambda *_: None,
) -> tuple[list[Entry], int | None]:
    """Train every row that is not done.

    Args:
        many: What.
        on: "here" or "ray".
        begun: Told the name of each row whose process begins on this machine.
        told: Told each row that has come to an end, the name first.

    Returns:
        A row each, in the order of the sheet; and the number of the signal that ended it early, or None.

    Raises:
        FststyleError: Nothing can be trained: the sheet, the output, the cluster.
    """
    with _only_one(many.output):
        entries, given = _look(many)
        for entry in entries:
            if entry.state.status == "failed" and entry.request is None:
                told(entry.row.name, entry.state)
        requests = [entry.request for entry in entries if entry.request is not None and entry.state.status != "done"]
        places = {entry.request: number for number, entry in enumerate(entries) if entry.request is not None}
        refresh = _Refresh(many, entries)
        check_places(many.output)

        def note(request: Request, state: State) -> None:
            entry = entries[places[request]]
            entries[places[request]] = Entry(entry.row, request, state)
            refresh.results()
            told(entry.row.name, state)

        stopped = None
        write_results(many.output, entries)
        if requests and on == "ray":
            stopped = run_on_ray(
                requests, note, jobs=many.jobs, threads=many.threads, memory=many.memory, gpu=_may_use_gpus(requests)
            )
        elif requests:
            stopped = run_here(requests, given, note, lambda request: begun(request.name))
        refresh.report()
    return entries, stopped


def train_row(many: Many, number: int) -> tuple[Entry, int | None]:
    """Train one row, counted from 1: what a task of a Slurm array does.

    Returns:
        What became of it, and the number of the signal that ended it early, or None.

    Raises:
        FststyleError: There is no such row, or it cannot be trained.
    """
    entries, _ = _look(many)
    if not 1 <= number <= len(entries):
        raise DataError(f"{many.sheet} has the rows 1 to {len(entries)}, not {number}")
    entry = entries[number - 1]
    if entry.request is None:
        raise TrainingError(f"{entry.row.name}: {entry.state.error}")
    if entry.state.status == "done":
        return entry, None
    state, stopped = run_row(entry.request)
    return Entry(entry.row, entry.request, state), stopped


def report_many(many: Many) -> list[Entry]:
    """Write results and page of what there is, whatever the settings were, and train nothing.

    Raises:
        FststyleError: The sheet cannot be read, or they cannot be written.
    """
    entries, _ = _look(many, found_of)
    check_places(many.output)
    write_results(many.output, entries)
    write_report(many.output, entries, many.sheet)
    return entries


def for_slurm(many: Many) -> tuple[Path, list[Entry]]:
    """Write a batch script for Slurm.

    Raises:
        FststyleError: The sheet cannot be read, or the script not be written.
    """
    entries, _ = _look(many)
    check_places(many.output)
    threads = many.threads or CORES_EACH  # whatever the machine has that writes the script
    requests = [entry.request for entry in entries if entry.request is not None]
    options = [f"--{name}={value}" for name, value in many.common.items()]
    text = slurm_script(
        many.sheet,
        many.output,
        ["--threads", str(threads), "--", *options],
        rows=len(entries),
        jobs=many.jobs,
        threads=threads,
        memory=many.memory or 2 * memory_of(requests),
        gpu=any(device_of(request) not in (None, "cpu") for request in requests),
    )
    return write_slurm_script(many.output, text), entries


def _look(many: Many, known: Callable[[Request], State] = state_of) -> tuple[list[Entry], Shares]:
    """Every row with what is known of it, and the shares of the machine."""
    rows = read_sheet(many.sheet)
    able = [request_of(row, many.output, many.common, 1) for row in rows if row.problem is None]
    given = shares(able, many.jobs, many.threads, many.memory, gpu=_may_use_gpus(able))
    return [_entry(row, many, given.threads, known) for row in rows], given


def _may_use_gpus(requests: Sequence[Request]) -> bool:
    return any(device_of(request) != "cpu" for request in requests)


def _entry(row: Row, many: Many, threads: int, known: Callable[[Request], State]) -> Entry:
    if row.problem is not None:
        return Entry(row, None, State("failed", error=f"line {row.line}: {row.problem}"))
    request = request_of(row, many.output, many.common, threads)
    try:
        return Entry(row, request, known(request))
    except FststyleError as error:
        return Entry(row, None, State("failed", error=str(error)))


@contextmanager
def _only_one(output: Path) -> Iterator[None]:
    """One command at a time works on a folder; the lock is gone when its process is, however that ends."""
    with extra("train"):
        from filelock import FileLock, Timeout

    try:
        if is_file(output):
            raise TrainingError(f"{output} is a file; name a folder as --output")
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / ".train_many.lock", timeout=0)
        with lock:
            yield
    except Timeout as error:
        raise TrainingError(
            f"another train-many works in {output}; wait for its end, or give another --output"
        ) from error
    except OSError as error:
        raise TrainingError(f"cannot write in {output} ({reason_of(error)}); give another --output") from error


class _Refresh:
    """Keeps the results' files up to date; where that fails, the trainings go on."""

    def __init__(self, many: Many, entries: list[Entry]) -> None:
        self._many = many
        self._entries = entries

    def results(self) -> None:
        """The table."""
        try:
            write_results(self._many.output, self._entries)
        except TrainingError as error:
            warn(str(error))

    def report(self) -> None:
        """The page."""
        try:
            write_report(self._many.output, self._entries, self._many.sheet)
        except FststyleError as error:
            warn(f"there is no report page: {error}")
