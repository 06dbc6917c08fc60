"""The photos of a run, identified by their paths relative to its folder, so that the folder may be moved."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


def digest_of(path: Path, root: Path) -> bytes:
    """Of a photo's name below the root, 32 bytes."""
    return hashlib.sha256(path.relative_to(root).as_posix().encode("utf-8", "surrogateescape")).digest()


def names_of(train: Sequence[Path], held_out: Sequence[Path], root: Path) -> dict[str, Any]:
    """What a checkpoint keeps of a run's photos.

    `names` and `held_out` are int64 tensors, a number for each photo's name; `photos` is one digest of those to train
    on, all that checkpoints of earlier versions have.
    """
    digest = hashlib.sha256()
    for path in train:
        digest.update(os.fsencode(path.relative_to(root).as_posix()) + b"\0")
    return {
        "photos": digest.hexdigest(),
        "names": torch.tensor([_number(path, root) for path in train], dtype=torch.int64),
        "held_out": torch.tensor([_number(path, root) for path in held_out], dtype=torch.int64),
    }


def has_others(saved: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether there are photos `now` that a run did not begin with; both as `names_of` has them."""
    if "names" not in saved:
        return "photos" in saved and saved["photos"] != now["photos"]
    known = {*saved["names"].tolist(), *saved["held_out"].tolist()}
    return not known.issuperset([*now["names"].tolist(), *now["held_out"].tolist()])


def found_again(
    saved: Mapping[str, Any], present: Sequence[Path], root: Path
) -> tuple[list[Path | None], list[Path | None]]:
    """Those to train on and the held-out ones of a run, in its order; None for photos that are gone."""
    there = {_number(path, root): path for path in present}
    train, held_out = ([there.get(number) for number in saved[key].tolist()] for key in ("names", "held_out"))
    return train, held_out


def _number(path: Path, root: Path) -> int:
    return int.from_bytes(digest_of(path, root)[:8], "big", signed=True)
