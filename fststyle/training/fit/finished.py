"""What a training leaves: its checkpoint, what it measured, its pictures, and the way to a network that paints."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fststyle.paint.stylizer import Stylizer
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.export import export_checkpoint

CHECKPOINT = "last.ckpt"
SAMPLES = "samples"
BAD_PHOTOS = "bad_files.jsonl"


@dataclass(frozen=True)
class Training:
    """A training that has ended.

    Attributes:
        folder: Where everything of it lies.
        name: Of the style.
        steps: Optimizer steps taken, earlier sittings included.
        costs: The held-out photos' mean terms at the last validation, by name; empty if there was none.
        judge: The loss network that they are of.
        stopped: The number of the signal that ended it early, or None.
    """

    folder: Path
    name: str
    steps: int
    costs: Mapping[str, float]
    judge: str
    stopped: int | None = None

    @classmethod
    def open(cls, folder: Path | str, stopped: int | None = None) -> Self:
        """The training that lies in a folder.

        Raises:
            CheckpointError: There is none, or its checkpoint is broken.
        """
        folder = Path(folder)
        saved = read_checkpoint(folder / CHECKPOINT)
        return cls(folder, saved.name, saved.steps, saved.costs, str(saved.recipe["loss_network"]), stopped)

    @property
    def checkpoint(self) -> Path:
        """What `export_checkpoint`, `resume` and `init` take."""
        return self.folder / CHECKPOINT

    @property
    def pictures(self) -> list[Path]:
        """Sheets of held-out photos and what the network made of them, one a validation, in the order of the steps."""
        return sorted((self.folder / SAMPLES).glob("step_*.jpg"))

    @property
    def bad_photos(self) -> int:
        """How many photos could not be read; `bad_files.jsonl` in the folder names them."""
        listed = self.folder / BAD_PHOTOS
        return len(listed.read_text("utf-8").splitlines()) if listed.exists() else 0

    def export(self, path: Path | str, *, licence: str | None = None) -> Stylizer:
        """Write the network as one ONNX file, and open it.

        Args:
            path: The file to write, `*.onnx`.
            licence: Under which the network may be used, as it shall stand in the file.

        Raises:
            FststyleError: See `export_checkpoint`.
        """
        export_checkpoint(self.checkpoint, path, licence=licence)
        return Stylizer.load(path)
