"""Several networks of one body as one network, with their numbers mixed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import onnx

from fststyle.graph.style_numbers import body_of, mixed
from fststyle.graph.style_tables import of_one_style
from fststyle.model.card import ModelCard
from fststyle.model.file import ModelFile, read_model, with_card
from fststyle.system.warn import warn


def mixture(files: Sequence[ModelFile], weights: Sequence[float]) -> ModelFile | None:
    """The one network that is so much of each; None if they do not share a body.

    Warns of predicted networks that would share one if they were made anew.

    Args:
        files: At least two.
        weights: Of each. Their sum should be 1.
    """
    models = [of_one_style(onnx.ModelProto.FromString(file.data)) for file in files]
    body = body_of(models[0])
    if len({file.card is None for file in files}) > 1 or body is None:
        return None
    if any(body_of(model) != body for model in models[1:]):
        if predicted_apart(files):
            names = ", ".join(file.name for file in files)
            warn(f"{names}: {_MADE_APART}, so their paintings are mixed instead of their styles; {MAKE_ANEW}")
        return None
    made = mixed(models, weights)
    cards = [file.card for file in files if file.card is not None]
    if cards:
        made = with_card(made, common_card(cards, "+".join(card.style for card in cards), weights))
    return read_model(made.SerializeToString(), f"{'+'.join(Path(file.name).stem for file in files)}.onnx")


_MADE_APART = "predicted by several versions of fststyle, whose bodies differ"

MAKE_ANEW = "make them anew from their paintings with `fststyle new`"
"""What gives predicted networks one body."""


def predicted_apart(files: Sequence[ModelFile]) -> bool:
    """Whether all networks were predicted, but not by one predictor: each has a body of its own."""
    recipes = [{} if file.card is None else file.card.recipe for file in files]
    makers = {str(recipe.get("predictor")) for recipe in recipes if recipe.get("init") == "predicted"}
    return len(makers) > 1 and all("predictor" in recipe for recipe in recipes)


def common_card(cards: Sequence[ModelCard], style: str, weights: Sequence[float] | None = None) -> ModelCard:
    """One card for several networks: what is true of all of them, and the names of all paintings and licences.

    The grain is the mean of theirs, by these weights or by equal ones.
    """
    first = cards[0]
    return replace(
        first,
        style=style,
        painting=_listed([card.painting for card in cards]),
        loss_network=_listed([card.loss_network for card in cards]) or first.loss_network,
        recipe=_common([card.recipe for card in cards]),
        steps=max(card.steps for card in cards),
        costs=_common([card.costs for card in cards]),
        licence=_listed([card.licence for card in cards]) or first.licence,
        styles=None,
        grain=fmean((card.grain or 0.0 for card in cards), weights) or None,
        min_side=max(card.min_side for card in cards),
    )


def _listed(texts: Sequence[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(text for text in texts if text)) or None


def _common(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Entries that are the same in all."""
    return {key: value for key, value in tables[0].items() if all(other.get(key) == value for other in tables)}
