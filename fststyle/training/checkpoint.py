"""Checkpoints on disk: written whole or not at all, read without running what they contain."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import Tensor

from fststyle.errors import CheckpointError, TrainingError
from fststyle.system.files import atomic_write, reason_of
from fststyle.training.remedies import GIVE_CHECKPOINT
from fststyle.training.safe_load import BrokenFileError, safe_load

CHECKPOINT_KEY = "fststyle"
_DATA_KEY = "ContentData"  # Lightning's, for the state of the data module of this name
_AVERAGED = "averaged.module."


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's own writes over the old checkpoint from another file system; a full disk then leaves neither."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write beside the target, then rename.

        Raises:
            TrainingError: If the disk is full or the folder cannot be written.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        try:
            atomic_write(Path(path), buffer.getvalue())
        except OSError as error:
            remedy = (
                "the checkpoint before it is whole: make room, then go on with --resume"
                if Path(path).exists()
                else "it would have been the first: make room, or give another --output, and start again"
            )
            raise TrainingError(f"cannot write {path} ({reason_of(error)}); {remedy}") from error


@dataclass(frozen=True)
class Checkpoint:
    """What export and warm start need of a checkpoint.

    Attributes:
        state: The averaged network's parameters and buffers.
        strength: Whether the network is a `StrengthNet`.
        steps: Optimizer steps taken.
        costs: The held-out photos' mean terms at the last validation; empty if there was none.
        painting_sha256: Of the painting's pixels as they were looked at; None from earlier versions.
        data: `ContentData.state_dict` of the run.
    """

    name: str
    painting: str
    network: str
    width: float
    strength: bool
    recipe: Mapping[str, Any]
    costs: Mapping[str, float]
    steps: int
    state: Mapping[str, Tensor]
    painting_sha256: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one of our checkpoints, tensors and plain types only.

    Raises:
        CheckpointError: If the file is missing, broken, not ours, or would run code.
    """
    content = read_content(path)
    try:
        return _from_content(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path.name} lacks parts of a checkpoint; {GIVE_CHECKPOINT}") from error


def read_content(path: Path) -> dict[str, Any]:
    """All that one of our checkpoints holds, tensors and plain types only.

    Raises:
        CheckpointError: If the file is missing, broken, not ours, or would run code.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}; {GIVE_CHECKPOINT}")
    try:
        content = safe_load(path)
    except BrokenFileError as error:
        raise CheckpointError(
            f"{path.name} is not a readable checkpoint of tensors and plain values; {GIVE_CHECKPOINT}"
        ) from error
    if not isinstance(content, dict) or CHECKPOINT_KEY not in content:
        raise CheckpointError(f"{path.name} was not written by `fststyle train`; {GIVE_CHECKPOINT}")
    return content


def _from_content(content: dict[str, Any]) -> Checkpoint:
    facts = content[CHECKPOINT_KEY]
    state = {
        name.removeprefix(_AVERAGED): tensor
        for name, tensor in content["state_dict"].items()
        if name.startswith(_AVERAGED)
    }
    return Checkpoint(
        name=facts["name"],
        painting=facts["painting"],
        network=facts["network"],
        width=facts["width"],
        strength=facts.get("strength", False),
        recipe=facts["recipe"],
        costs=facts["costs"],
        steps=content["global_step"],
        state=state,
        painting_sha256=facts.get("painting_sha256"),
        data=content.get(_DATA_KEY, {}),
    )
