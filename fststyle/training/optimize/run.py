"""An optimization on disk: what it reads and writes, and how it resumes.

An unfinished run keeps its state beside `out.png` in `out.png.state`, saved regularly and removed at the end.
"""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from fststyle.errors import TrainingError
from fststyle.pictures.files import format_of, resize, with_content_color, write_picture
from fststyle.system.file_kinds import Kind
from fststyle.system.files import atomic_write, is_there, reason_of, refuse_inputs, refuse_other_kind
from fststyle.training.optimize.coarse_to_fine import CoarseToFine, Rgb
from fststyle.training.optimize.pixels import Step
from fststyle.training.optimize.request import Request, fingerprint, read_request
from fststyle.training.safe_load import BrokenFileError, safe_load


class OptimizeRun:
    """A request at work: go through `steps`, then `finish`, or `suspend` to go on another time.

    Args:
        request: What is asked for.
        device: Where to compute.
        resume: Go on from the state beside the output, if there is one.

    Raises:
        FststyleError: If a file is missing or broken, or an unfinished run lies there and `resume` was not said.
        ValueError: If the request contradicts itself.
    """

    def __init__(self, request: Request, device: torch.device, *, resume: bool = False) -> None:
        self.request = request
        self.state_file = request.output.with_name(request.output.name + ".state")
        format_of(request.output.suffix)  # better now than after the last iteration
        inputs = request.inputs
        for written in (request.output, request.trajectory, self.state_file, *self._snapshots()):
            if written is not None:
                refuse_inputs(written, *inputs)
        self._refuse_other_kinds()
        if is_there(self.state_file) and not resume:
            raise TrainingError(
                f"{self.state_file} holds an unfinished run; go on with --resume, or delete it to begin anew"
            )
        self._content, task = read_request(request)
        self._fingerprint = fingerprint(task)
        state = self._read_state() if is_there(self.state_file) else None
        self.work = CoarseToFine(task, device)
        self._records: list[dict[str, float]] = []
        if state is None:
            self._record()
        else:
            self.work.load_state_dict(state["work"])
            self._records = state["records"]
        self._saved_at = time.monotonic()

    @property
    def picture(self) -> Rgb:
        """The best of the scale in work."""
        picture = self.work.picture
        if self.request.keep_color and self._content is not None:
            picture = with_content_color(picture, resize(self._content, *picture.shape[:2]))
        return picture

    def steps(self) -> Iterator[Step]:
        """Iterate to the end, saving what is due.

        Raises:
            TrainingError: If the cost is not finite any more, or the disk is full.
        """
        while not self.work.done:
            try:
                step = self.work.step()
            except FloatingPointError as error:
                raise TrainingError(
                    f"{error}; the weights or a picture are out of range: try smaller weights"
                ) from error
            self._record()
            every = self.request.snapshot_every
            if every is not None and step.iteration % every == 0:
                write_picture(self._snapshot(step.iteration), self.picture, painting=True)
            if time.monotonic() - self._saved_at > self.request.save_seconds:
                self.save()
            yield step

    def save(self) -> None:
        """Write state and trajectory."""
        buffer = io.BytesIO()
        torch.save({"fingerprint": self._fingerprint, "work": self.work.state_dict(), "records": self._records}, buffer)
        self._write(self.state_file, buffer.getvalue())
        self._write_trajectory()
        self._saved_at = time.monotonic()

    def suspend(self) -> None:
        """Save, and write the picture as it is by now."""
        self.save()
        write_picture(self.request.output, self.picture, painting=True)

    def finish(self) -> None:
        """Write the picture and the trajectory, and clean up."""
        write_picture(self.request.output, self.picture, painting=True)
        self._write_trajectory()
        self.state_file.unlink(missing_ok=True)

    def _refuse_other_kinds(self) -> None:
        kinds = {self.request.output: Kind.PICTURE, self.state_file: Kind.CHECKPOINT}
        kinds |= dict.fromkeys(self._snapshots(), Kind.PICTURE)
        if self.request.trajectory is not None:
            kinds[self.request.trajectory] = Kind.JSON_LINES
        for path, kind in kinds.items():
            refuse_other_kind(path, kind)

    def _record(self) -> None:
        step = self.work.last
        record = {name: value for name, value in asdict(step).items() if name != "terms"}
        self._records.append(record | {"scale": self.work.index} | step.terms)

    def _write_trajectory(self) -> None:
        if self.request.trajectory is not None:
            lines = "".join(json.dumps(record) + "\n" for record in self._records)
            self._write(self.request.trajectory, lines.encode())

    def _write(self, path: Path, data: bytes) -> None:
        try:
            atomic_write(path, data)
        except OSError as error:
            raise TrainingError(
                f"cannot write {path} ({reason_of(error)}); make room or choose another folder, then go on with "
                "--resume"
            ) from error

    def _snapshot(self, iteration: int) -> Path:
        folder = self.request.output.with_name(f"{self.request.output.stem}_snapshots")
        return folder / f"{iteration:05d}.png"

    def _snapshots(self) -> list[Path]:
        every = self.request.snapshot_every
        last = sum(self.request.iterations)
        return [] if every is None else [self._snapshot(number) for number in range(every, last + 1, every)]

    def _read_state(self) -> dict[str, Any]:
        try:
            state = safe_load(self.state_file)
        except BrokenFileError as error:
            raise TrainingError(f"{self.state_file} is broken; delete it to begin anew") from error
        if not isinstance(state, dict) or state.get("fingerprint") != self._fingerprint:
            raise TrainingError(
                f"{self.state_file} belongs to a run with other pictures or settings; use the old ones, or delete "
                "it to begin anew"
            )
        return state
