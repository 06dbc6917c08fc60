"""The recipe of a run, and whether a checkpoint may be resumed with another recipe."""

import itertools
from collections.abc import Container, Mapping
from dataclasses import asdict, fields
from io import BytesIO
from pathlib import Path
from typing import Any

from fststyle.errors import FststyleError, TrainingError
from fststyle.model.gallery import find_network
from fststyle.pictures.files import encode_picture
from fststyle.system.warn import warn
from fststyle.training.checkpoint import CHECKPOINT_KEY
from fststyle.training.cost.objective import Cost
from fststyle.training.remedies import GO_BACK, GO_ON

# Settings that did not exist when older checkpoints were written, and what those were trained with.
_ADDED_SINCE: Mapping[str, Any] = {
    "strength": False,
    "optimizer": "adam",
    "teacher": None,
    "grid_weight": 0.0,
    "local_weight": 0.0,
    "wasserstein_weight": 0.0,
    "temporal_weight": 0.0,
    "temporal_lighting": 0.0,
    "only_norms": False,
}

# What no run can change on its way: the network, and what the optimizer keeps of the past.
_LASTING = ("network", "width", "strength", "optimizer", "only_norms")

_OPTIMIZERS = ("muon", "adam")


def recipe(settings: Mapping[str, Any], cost: Cost) -> dict[str, Any]:
    """The recipe, in JSON types and without paths: `settings`, then the fields of the cost."""
    of_cost = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(cost).items() if k != "weights"}
    return {**settings, **of_cost, "loss_network": cost.architecture}


def check_settings(
    style_size: int, width: float, learning_rate: float, warmup: float, ema_decay: float, optimizer: str
) -> None:
    """Refuse settings out of their ranges.

    Raises:
        ValueError: Which one, and its value.
    """
    if not isinstance(style_size, int) or style_size < 32:
        raise ValueError(f"style_size must be a whole number of at least 32, not {style_size!r}")
    if optimizer not in _OPTIMIZERS:
        raise ValueError(f"unknown optimizer {optimizer!r}; use one of {', '.join(_OPTIMIZERS)}")
    for name, value in (("width", width), ("learning_rate", learning_rate)):
        if not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(f"{name} must be above 0 and finite, not {value!r}")
    for name, value in (("warmup", warmup), ("ema_decay", ema_decay)):
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1), not {value!r}")


def saved_settings(content: Mapping[str, Any], given: Container[str]) -> dict[str, Any]:
    """The arguments of `StyleTransferModule` that a checkpoint holds, except those in `given`.

    Raises:
        TrainingError: It is of a version that did not save the painting, which is not given either.
    """
    facts = content[CHECKPOINT_KEY]
    began = with_older(facts["recipe"])
    if "style" not in given and "style" not in facts:
        raise TrainingError("this checkpoint is of an earlier version and holds no painting; give it as style=…")
    settings = {key: facts[key] for key in ("name", "painting")}
    settings |= {key: began[key] for key in (*_LASTING, "style_size", "learning_rate")}
    settings |= dict(content.get("hyper_parameters", {}))
    settings |= {"init": "none", "cost": cost_of(began)}  # its weights follow
    if "style" not in given:
        settings["style"] = BytesIO(encode_picture(facts["style"].numpy(), None, ".png"))
    if began["teacher"] is not None and "teacher" not in given:
        try:
            find_network(Path(began["teacher"]))
        except FststyleError:
            warn(f"its teacher {began['teacher']} is not here; to train on, give it as teacher=…")
        else:
            settings["teacher"] = began["teacher"]
    return settings


def cost_of(saved: Mapping[str, Any]) -> Cost:
    """The cost of a recipe; the weights file of its loss network is not known."""
    given: dict[str, Any] = {field.name: saved[field.name] for field in fields(Cost) if field.name in saved}
    for name in ("content_layers", "style_layers"):
        given[name] = tuple(given[name])
    return Cost(**given)


def with_older(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe of any version; missing settings get the value that they had then."""
    return {**_ADDED_SINCE, **saved}


def refuse_another_network(saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to resume with another network or optimizer, even with force.

    Raises:
        TrainingError: Network, width or optimizer of the two recipes differ.
    """
    began = with_older(saved)
    for key in _LASTING:
        if began[key] == asked[key]:
            continue
        what = (
            f"trains {began['network']} at width {began['width']:g}, not {asked['network']} at {asked['width']:g}"
            if key in ("network", "width")
            else f"trains with {key} = {began[key]}, not {asked[key]}"
        )
        raise TrainingError(f"this run {what}; {GO_BACK}")


def refuse_another_recipe(saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to resume with another recipe.

    Raises:
        TrainingError: What differs.
    """
    began = with_older(saved)
    for key, value in asked.items():
        if began.get(key) != value:
            raise TrainingError(f"this run began with {key} = {began.get(key)}, not {value}; {GO_ON}")


def refuse_other_data(saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to resume with other crops or another painting. Arguments are numbers and digests by name.

    Raises:
        TrainingError: What differs. What the saved ones do not know, as of earlier versions, does not.
    """
    for key, value in asked.items():
        if saved.get(key) is not None and saved[key] != value:
            what = f"{key} = {saved[key]}, not {value}" if isinstance(value, int | float) else f"another {key}"
            raise TrainingError(f"this run began with {what}; {GO_ON}")


def at_another_rate(checkpoint: Mapping[str, Any], factor: float) -> None:
    """Change the learning rates in a checkpoint, in place.

    Optimizer and schedule would go on at the rates that they were saved with, whatever is asked for now.
    """
    for schedule in checkpoint["lr_schedulers"]:
        schedule["base_lrs"] = [rate * factor for rate in schedule["base_lrs"]]
    for group in itertools.chain.from_iterable(each["param_groups"] for each in checkpoint["optimizer_states"]):
        group["lr"] *= factor
        group["initial_lr"] *= factor
