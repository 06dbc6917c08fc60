"""Lightning's loop for our own programs; `fststyle train` configures its Trainer itself (`cli.py`)."""

import logging
import warnings
from typing import Any

import pytorch_lightning as pl
import torch

# `data/positions.py` distributes the batches, runs have their own reports, and validation needs no rehearsal.
_QUIET = {
    "max_epochs": -1,
    "logger": False,
    "num_sanity_val_steps": 0,
    "enable_model_summary": False,
    "use_distributed_sampler": False,
}


def bare_trainer(device: torch.device | None = None, **settings: Any) -> pl.Trainer:
    """A Trainer that does nothing by itself but train.

    Args:
        device: Where; Lightning's choice if not given.
        settings: Lightning's own, which have the last word.
    """
    place = {} if device is None else {"accelerator": "gpu" if device.type == "cuda" else "cpu", "devices": 1}
    return pl.Trainer(**_QUIET | place | settings)


LOGGERS = ("pytorch_lightning", "lightning_fabric.utilities.seed")
"""Of Lightning's, those that talk."""


def quiet_lightning() -> None:
    """Lightning's advice to add workers, tips on paid services and the like are not for our users."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for advice in (
        ".*args parameter is intended to run from within Python.*",
        ".*does not have many workers.*",
        ".*but have no `val_dataloader`.*",
        ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ):
        warnings.filterwarnings("ignore", message=advice)
