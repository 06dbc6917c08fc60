"""How messages end that refuse to go on with a run.

A row of a sheet goes on by itself, so that `train-many` ends them in other words.
"""

from pathlib import Path

GO_ON = (
    "resume with the old setting, start anew in another folder (--output) with --init to begin from this one's weights,"
    " or go on with --force"
)
GO_BACK = "resume with the old setting, or start anew in another folder (--output)"
WITHOUT_PHOTOS = "or go on with those that are left by --resume --force"
AFTER_NAN = (
    "go on from the last checkpoint, if there is one, by --resume --precision 32-true, or by --resume --force with a "
    "lower --learning-rate"
)
TAKE_LESS = "give a smaller --batch-size or --size, and go on with --resume --force if there is a checkpoint"
GIVE_CHECKPOINT = "give the last.ckpt of a training"

_ROW_ANEW = "restore what it was, or remove {folder} to train it anew"

_IN_A_SHEET = {
    GO_ON: _ROW_ANEW,
    GO_BACK: _ROW_ANEW,
    WITHOUT_PHOTOS: "or remove {folder} to train it anew with those that are left",
    AFTER_NAN: "go on from the last checkpoint, if there is one, with precision 32-true, or remove {folder} and give a "
    "lower learning-rate",
    TAKE_LESS: "give fewer --jobs, or remove {folder} and give a smaller batch-size or size",
    # It may be that of another training, which the row's `init` or `teacher` names.
    GIVE_CHECKPOINT: "remove {folder} to train it anew if it is the row's own, else give the last.ckpt of a training",
    "--resume": "the same command",
}


def in_a_sheet(said: str, folder: Path) -> str:
    """A message of `train`, as `train-many` says it of the row that has this folder."""
    for remedy, ours in _IN_A_SHEET.items():
        said = said.replace(remedy, ours.format(folder=folder))
    return said
