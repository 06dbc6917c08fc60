"""Which columns a sheet may have: the options of `fststyle train`, without torch and Lightning, who know them all."""

import re
from pathlib import Path

from fststyle.errors import DataError
from fststyle.system.option_names import option_name
from fststyle.training.arguments import OPTIONS, suggestion
from fststyle.training.many.cells import shown

# Each row has a folder of its own, and goes on by itself.
_OURS = {
    *("output", "resume", "force", "preview"),
    *("trainer.barebones", "trainer.default_root_dir", "trainer.fast_dev_run", "trainer.plugins"),
}

# What a row may say besides: the network's license, as for `fststyle export`.
_MORE = {"license"}

# Our dotted options beside those that have a name in the help of `fststyle train`.
DOTTED = {
    *("data.cache_gigabytes", "data.dark", "data.on_device", "data.val_photos", "data.val_size"),
    *("model.channels_last", "model.ema_decay", "model.graphs", "model.strength", "model.warmup", "model.width"),
    *("model.cost.form", "model.cost.grid_weight", "model.cost.normalize_channels", "model.cost.pooling"),
    *("model.cost", "model.cost.temporal_lighting"),
}

# `fststyle train` takes their last words alone, too.
SHORT_NAMES = {name.rpartition(".")[2].replace("_", "-") for name in DOTTED - {"model.cost"}}

# Lightning's, those of its Trainer.
_CLASSES = {f"trainer.{name}" for name in ("accelerator", "callbacks", "logger", "profiler", "strategy")}
LIGHTNINGS = _CLASSES | {
    f"trainer.{name}"
    for name in (
        *("accumulate_grad_batches", "benchmark", "check_val_every_n_epoch", "detect_anomaly", "deterministic"),
        *("devices", "enable_autolog_hparams", "enable_checkpointing", "enable_model_summary", "enable_progress_bar"),
        *("gradient_clip_algorithm", "gradient_clip_val", "inference_mode", "limit_predict_batches"),
        *("limit_test_batches", "limit_train_batches", "limit_val_batches", "log_every_n_steps", "max_epochs"),
        *("max_steps", "max_time", "min_epochs", "min_steps", "model_registry", "num_nodes", "num_sanity_val_steps"),
        *("overfit_batches", "precision", "reload_dataloaders_every_n_epochs", "sync_batchnorm"),
        *("use_distributed_sampler", "val_check_interval"),
    )
}

# Those that help shows first, since a suggestion is the first that is near.
_KNOWN = (
    *(*OPTIONS, *sorted(SHORT_NAMES), *_MORE),
    *(*(option.target for option in OPTIONS.values()), *sorted(DOTTED), *sorted(LIGHTNINGS)),
)

_LONGEST = max(map(len, _KNOWN))  # of a name that a message shows whole


def column_of(typed: str, path: Path | None = None) -> str:
    """The option that a column stands for, or a word behind `--`.

    Args:
        typed: The column's name.
        path: The sheet that has it.

    Raises:
        DataError: There is none, or a row cannot have it.
    """
    where = "" if path is None else f"{path}: "
    bare = re.sub(r"\s+", "-", typed.strip().lstrip("-"))
    name = option_name(bare if "." in bare else bare.lower())
    if name in _OURS:
        raise DataError(f"{where}{typed} cannot be chosen: each row has a folder below --output, and goes on by itself")
    if name.removesuffix("+") not in _KNOWN and not _is_of_a_class(name):
        near = suggestion(name, _KNOWN)
        advice = near or "; see fststyle train --help-all, and write Lightning's as trainer.NAME"
        raise DataError(f"{where}there is no option {shown(typed, _LONGEST)!r}{advice}")
    return name


def _is_of_a_class(name: str) -> bool:
    """Whether it is an argument of a class that an option names, as `trainer.callbacks.patience`."""
    return name.startswith(tuple(f"{option}." for option in _CLASSES))
