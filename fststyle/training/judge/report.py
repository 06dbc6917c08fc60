"""The page of an evaluation: its table, and the photos with their pictures and charts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from fststyle.training.judge.equivalence import Point
from fststyle.training.judge.evaluation import Evaluation, Pictures
from fststyle.training.judge.table import JOHNSON, conditions, rows
from fststyle.training.pages.page import chart_svg, picture_uri, write_page

_COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")


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


def _count(iterations: int) -> str:
    return f"{iterations} iteration{'' if iterations == 1 else 's'}"
