"""Where an argument of `train` goes: it has the name that the command gives it, or the class that it belongs to."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any

from pytorch_lightning import Trainer

from fststyle.training.arguments import OPTIONS
from fststyle.training.cost.cost import Cost
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.module import StyleTransferModule

# Arguments of `train` itself, and Lightning's own that others decide.
_ELSEWHERE = {"model.style", "model.name", "model.cost", "data.root", "trainer.logger"}


@dataclass(frozen=True)
class Settings:
    """Arguments by the class that takes them.

    Attributes:
        model: Of `StyleTransferModule`.
        cost: Of `Cost`.
        data: Of `ContentData`.
        trainer: Of Lightning's `Trainer`.
    """

    model: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)


def sort_settings(given: Mapping[str, Any]) -> Settings:
    """Find the class of each argument.

    Raises:
        TypeError: No class has such an argument, or two names of one argument are given.
    """
    targets, settings = _targets(), Settings()
    names: dict[str, str] = {}
    for name, value in given.items():
        if name not in targets:
            near = get_close_matches(name, targets, 1, 0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TypeError(f"train() has no argument {name!r}{hint}")
        target = targets[name]
        if target in names:
            raise TypeError(f"{names[target]} and {name} are the same; give one of them")
        names[target] = name
        section, _, own = target.rpartition(".")
        getattr(settings, section)[own] = value
    return settings


@cache
def _targets() -> dict[str, str]:
    """Names of arguments, and the class and the name there."""
    classes = {"model": StyleTransferModule, "cost": Cost, "data": ContentData, "trainer": Trainer}
    own = {
        name: f"{section}.{name}" for section, each in classes.items() for name in inspect.signature(each).parameters
    }
    friendly = {
        option.name.replace("-", "_"): option.target.removeprefix("model.")
        if ".cost." in option.target
        else option.target
        for option in OPTIONS.values()
        if "." in option.target
    }
    return {name: target for name, target in {**friendly, **own}.items() if target not in _ELSEWHERE}
