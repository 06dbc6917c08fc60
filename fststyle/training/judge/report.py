"""What an evaluation found, for people and for programs: rows of a table, JSON, a page with pictures."""

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from fststyle.training.judge.equivalence import Point
from fststyle.training.judge.evaluation import Evaluation, ModelScores, Pictures
from fststyle.training.judge.sizes import SizeScores
from fststyle.training.pages.page import chart_svg, picture_uri, write_page

_FORMAT = 1

JOHNSON = (
    "Johnson et al. (2016, section 4.1) report 50 to 100 iterations for theirs: from noise (--start noise), of another "
    "cost (VGG-16, no normalization of channels) and by another L-BFGS, so that the numbers compare but roughly"
)

_COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")
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
}


@dataclasses.dataclass(frozen=True)
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
                own = evaluation.painting_scores.get(name) if name in ("repetition", "fine_detail") else None
                table.append(Row(f"  {said}", cells, "", "" if own is None else _number(own)))
    return table


def conditions(evaluation: Evaluation) -> str:
    """In one line, what the numbers hold for."""
    settings, cost = evaluation.settings, evaluation.cost
    parts = [
        f"{len(evaluation.own.photos)} photos at {settings.size}²",
        f"{evaluation.painting} at {settings.style_size}",
        f"{cost.architecture.upper().replace('VGG', 'VGG-')}, {cost.form} form",
    ]
    if settings.iterations and settings.start == "noise":
        parts.append("L-BFGS from noise")
    if evaluation.clip is not None:
        clip = evaluation.clip
        parts.append(f"clip of {clip.frames} frames at {clip.width}×{clip.height}")
    if evaluation.johnson_speed is not None:
        parts.append(f"speed at {evaluation.johnson_speed.height}² on the CPU")
    return "; ".join(parts)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything but the pictures, in plain types; nothing is infinite or NaN.

    Keys:
        format: 1; another number when a key changes its meaning.
        cost, settings: What was asked, as `Cost` and `Settings` have it.
        painting: {"name", "grid", "frame_style", "middle_style", "border", "rim_contrast"}.
        skipped: {file name: reason} of photos that could not be read.
        photos: The photos judged as if a network gave them back: {"name", "mean", "photos", "clip", "speed"}, where
            "mean" has the costs by name ("content_loss", "style_loss", "style_loss_relu1_2", …), "grid", "frame_style",
            "middle_style", "border", "rim_contrast", "flicker", and "photos" the same for each: {"photo", "costs",
            "grid", …, "reached"}; "reached" is null or {"iteration", "evaluations", "seconds", "best"}.
        models: For each network the same, "sizes" (a list of `SizeScores`), and "iterations": {"median", "least",
            "most", "reached", "of"}; a number that is more than the limit is null.
        chases: For each photo the optimizer's points: [{"iteration", "evaluations", "seconds", "best"}, …].
        clip: null or {"frames", "width", "height", "visible", "own", "stylized"}.
        johnson_speed: null or {"milliseconds", "height", "width", "per_megapixel"}, as a model's "speed".
    """
    plain = {
        "format": _FORMAT,
        "cost": dataclasses.asdict(evaluation.cost),
        "settings": dataclasses.asdict(evaluation.settings),
        "painting": {"name": evaluation.painting, **evaluation.painting_scores},
        "skipped": evaluation.skipped,
        "photos": _model_json(evaluation.own),
        "models": [
            _model_json(model) | ({"iterations": _iterations_json(model)} if evaluation.chases else {})
            for model in evaluation.models
        ],
        "chases": [[dataclasses.asdict(point) for point in points] for points in evaluation.chases],
        "clip": dataclasses.asdict(evaluation.clip) if evaluation.clip else None,
        "johnson_speed": _speed_json(evaluation.johnson_speed),
    }
    result: dict[str, Any] = json.loads(json.dumps(plain, default=str, allow_nan=False))
    return result


def write_report(path: Path, evaluation: Evaluation) -> None:
    """A self-contained page: the painting, the table, the scores explained, and the photos that were kept."""
    names = [model.name for model in evaluation.models]
    write_page(
        path,
        "evaluate.html.j2",
        title=f"{', '.join(names)} – {evaluation.painting}",
        evaluation=evaluation,
        painting=picture_uri(evaluation.painting_picture),
        conditions=conditions(evaluation),
        johnson=JOHNSON,
        rows=rows(evaluation),
        names=names,
        photos=[_photo(number, kept, evaluation) for number, kept in enumerate(evaluation.pictures)],
    )


def _photo(number: int, kept: Pictures, evaluation: Evaluation) -> dict[str, Any]:
    """What the page shows of one photo: figures (source, caption), and the chart if there was an optimizer."""
    figures = [(picture_uri(kept.content), "the photo")]
    for index, (model, picture) in enumerate(zip(evaluation.models, kept.stylized, strict=True)):
        scores = model.photos[number]
        costs = scores.costs
        text = f"{model.name}: total {costs['total_loss']:.3g}"
        text += f" (content {costs['content_loss']:.3g}, style {costs['style_loss']:.3g})"
        figures.append((picture_uri(picture), text))
        optimized = kept.optimized[index] if kept.optimized else None
        if optimized is not None and scores.reached is not None:
            caption = f"L-BFGS as good as {model.name}, after {_count(scores.reached.iteration)}"
            figures.append((picture_uri(optimized), caption))
    chart = None
    if kept.best is not None:
        points = evaluation.chases[number]
        if all(model.photos[number].reached != points[-1] for model in evaluation.models):
            caption = f"L-BFGS after {_count(points[-1].iteration)}: total {points[-1].best:.3g}"
            figures.append((picture_uri(kept.best), caption))
        totals = [(model.name, model.photos[number].costs["total_loss"]) for model in evaluation.models]
        chart = _chart(points, totals)
    return {"name": kept.photo, "figures": figures, "chart": chart}


def _chart(points: list[Point], totals: Sequence[tuple[str, float]]) -> Markup:
    def draw(axes: Axes) -> None:
        axes.plot([point.iteration for point in points], [point.best for point in points], "o-", ms=3, c="#808080")
        for index, (name, total) in enumerate(totals):
            color = _COLORS[index % len(_COLORS)]
            axes.axhline(total, color=color, lw=1.5, ls="--", label=name)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("iterations of L-BFGS")
        axes.set_ylabel("total cost")
        axes.legend(labelcolor="#808080", loc="lower left", bbox_to_anchor=(0, 1))  # above, clear of the lines

    return chart_svg(draw, height=2.8 + 0.25 * len(totals))


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


def _iterations_json(model: ModelScores) -> dict[str, float | None]:
    iterations = model.iterations()
    numbers = {"median": statistics.median(iterations), "least": min(iterations), "most": max(iterations)}
    finite = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
    return finite | {"reached": sum(map(math.isfinite, iterations)), "of": len(iterations)}


def _model_json(model: ModelScores) -> dict[str, Any]:
    return dataclasses.asdict(model) | {"mean": model.mean(), "speed": _speed_json(model.speed)}


def _speed_json(speed: Any) -> dict[str, float] | None:
    return dataclasses.asdict(speed) | {"per_megapixel": speed.per_megapixel} if speed else None


def _count(iterations: int) -> str:
    return f"{iterations} iteration{'' if iterations == 1 else 's'}"


def _number(value: float) -> str:
    """Three digits that count, as they stand in a table."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
