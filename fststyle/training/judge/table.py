"""The table of an evaluation: its rows, and the conditions that they hold for."""

import math
import statistics
from dataclasses import dataclass

from fststyle.system.counts import counted
from fststyle.training.judge.evaluation import Evaluation, ModelScores
from fststyle.training.judge.sizes import SizeScores

JOHNSON = (
    "Johnson et al. (2016, section 4.1) report 50 to 100 iterations for theirs: from noise (--start noise), of another "
    "cost (VGG-16, no normalization of channels) and by another L-BFGS, so that the numbers compare but roughly"
)

_LABELS = {
    "content_loss": "content",
    "style_loss": "style",
    "total_variation_loss": "total variation",
    "total_loss": "total",
    "grid": "grid",
    "border": "border",
    "rim_contrast": "rim contrast",
    "flicker": "flicker",
}

_SIZE_LABELS = {
    "content": "content",
    "style": "style",
    "total": "total",
    "wasserstein": "sliced Wasserstein",
    "plain": "plain areas, style",
    "repetition": "plain areas, repetition",
    "fine_detail": "fine detail",
    "blur": "blur",
    "direction": "direction of detail",
}


@dataclass(frozen=True)
class Row:
    """A score of every network, of the photos themselves and of the painting; "" where there is none."""

    label: str
    networks: list[str]
    photos: str
    painting: str


def rows(evaluation: Evaluation) -> list[Row]:
    """The table, a row a score; means over the photos."""
    means = [model.mean() for model in evaluation.models]
    own, painting = evaluation.own.mean(), evaluation.painting_scores
    layers = {f"style_loss_{layer}": f"  {layer}" for layer in evaluation.cost.style_layers}
    table = []
    for name, label in _in_order(_LABELS, layers).items():
        cells = [_number(mean[name]) for mean in means]
        table.append(Row(label, cells, _number(own[name]), _number(painting[name]) if name in painting else ""))
        if name == "total_loss" and evaluation.chases:
            table.append(
                Row("L-BFGS iterations", [_iterations(each, evaluation) for each in evaluation.models], "", "")
            )
    table += _size_rows(evaluation)
    if evaluation.clip is not None:
        errors = [_number(model.clip) for model in evaluation.models if model.clip is not None]
        table.append(Row("clip, warped error", errors, _number(evaluation.clip.own), ""))
    if evaluation.johnson_speed is not None:
        speeds = [model.speed.per_megapixel for model in evaluation.models if model.speed is not None]
        johnson = evaluation.johnson_speed.per_megapixel
        table.append(Row("ms a megapixel", [f"{speed:,.0f}" for speed in speeds], "", ""))
        table.append(Row("  of johnson's", [f"{speed / johnson:.2f}" for speed in speeds], "", ""))
    return table


def _size_rows(evaluation: Evaluation) -> list[Row]:
    """For every size a heading with the number of photos, and a row a score."""
    by_label: dict[str, list[SizeScores | None]] = {}
    for index, model in enumerate(evaluation.models):
        for scores in model.sizes:
            by_label.setdefault(scores.label, [None] * len(evaluation.models))[index] = scores
    table = []
    for label, found in by_label.items():
        photos = next(scores.photos for scores in found if scores is not None)
        table.append(Row(f"{label}, {photos} photo{'' if photos == 1 else 's'}", [""] * len(found), "", ""))
        for name, said in _SIZE_LABELS.items():
            values = [None if scores is None else getattr(scores, name) for scores in found]
            if any(value is not None for value in values):
                cells = ["" if value is None else _number(value) for value in values]
                own = evaluation.painting_scores.get(name)
                table.append(Row(f"  {said}", cells, "", "" if own is None else _number(own)))
    return table


def conditions(evaluation: Evaluation) -> str:
    """In one line, what the numbers hold for."""
    settings, cost = evaluation.settings, evaluation.cost
    parts = [
        f"{counted(len(evaluation.own.photos), 'photo')} at {settings.size}²",
        f"{evaluation.painting} at {settings.style_size}",
        f"{cost.architecture.upper().replace('VGG', 'VGG-')}, {cost.form} form",
    ]
    if settings.iterations and settings.start == "noise":
        parts.append("L-BFGS from noise")
    if evaluation.clip is not None:
        clip = evaluation.clip
        parts.append(f"clip of {counted(clip.frames, 'frame')} at {clip.width}×{clip.height}")
    if evaluation.johnson_speed is not None:
        parts.append(f"speed at {evaluation.johnson_speed.height}² on the CPU")
    return "; ".join(parts)


def _in_order(labels: dict[str, str], layers: dict[str, str]) -> dict[str, str]:
    """The layers below their sum."""
    merged: dict[str, str] = {}
    for name, label in labels.items():
        merged[name] = label
        if name == "style_loss":
            merged |= layers
    return merged


def _iterations(model: ModelScores, evaluation: Evaluation) -> str:
    iterations = model.iterations()
    limit = evaluation.settings.iterations
    median, least, most = (
        f"{count:g}" if math.isfinite(count) else f"> {limit}"
        for count in (statistics.median(iterations), min(iterations), max(iterations))
    )
    return f"{median} ({least} to {most})"


def _number(value: float) -> str:
    """Three digits that count, as they stand in a table."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
