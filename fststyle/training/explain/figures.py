"""The page's pictures and charts, as data URIs and SVG."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from fststyle.pictures.files import resize
from fststyle.pictures.sheet import contact_sheet
from fststyle.training.pages.page import chart_svg, picture_uri

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

# Read on light ground and on dark, and in order of depth; told apart by lightness, too.
_LAYER_COLORS = ("#d9a02b", "#d9662b", "#b03f72", "#6a4fb3", "#2f7fc1", "#2f9e8f")
_MARK, _PLAIN, _QUIET = "#2f7fc1", "#d9662b", "#909090"

# A heat map of few colors is a small file, and nobody reads a finer step off a color.
_COLOR_STEPS = 48


def in_colors(values: Floats, palette: str = "viridis") -> Pixels:
    """Values in [0, 1] as colors, (H, W) to (H, W, 3)."""
    stepped = np.round(np.clip(values, 0, 1) * (_COLOR_STEPS - 1)) / (_COLOR_STEPS - 1)
    colors: Pixels = (colormaps[palette](stepped)[..., :3] * 255 + 0.5).astype(np.uint8)
    return colors


def heat_map(values: Floats) -> str:
    """A matrix in [0, 1], one pixel an entry; the square root, because most entries are small."""
    return picture_uri(in_colors(np.sqrt(values)), exact=True)


def correlation_map(values: Floats) -> str:
    """A matrix in [-1, 1], one pixel an entry; white is 0."""
    return picture_uri(in_colors((values + 1) / 2, "RdBu_r"), exact=True)


def legend(ticks: dict[float, str], palette: str = "viridis") -> Markup:
    """A color scale from 0 at its left to 1 at its right, and what some places on it mean."""

    def draw(axes: Axes) -> None:
        ramp = in_colors(np.linspace(0, 1, _COLOR_STEPS)[None], palette)
        axes.imshow(ramp, aspect="auto", extent=(0, 1, 0, 1), interpolation="nearest")
        axes.set_yticks([])
        axes.set_xticks(list(ticks), list(ticks.values()))
        for place, label in zip(ticks, axes.get_xticklabels(), strict=True):
            label.set_horizontalalignment("left" if place == 0 else "right" if place == 1 else "center")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    return chart_svg(draw, width=6.0, height=0.6)


def activity_map(activity: Floats, brightest: float) -> str:
    """How strongly a channel fires at each position; the square root, so that the weak shows beside the strong."""
    return picture_uri(in_colors(np.sqrt(activity / brightest), "magma"), exact=True)


def spotlight(rgb: Pixels, activity: Floats) -> str:
    """The picture (S, S, 3), dark but for where a map is strong."""
    strong = max(float(np.percentile(activity, 98)), np.finfo(np.float64).tiny)
    light = np.sqrt(np.clip(activity / strong, 0, 1))
    mask = resize((255 * light).astype(np.uint8), *rgb.shape[:2]).astype(np.float64) / 255
    return picture_uri((rgb * (0.3 + 0.7 * mask[..., None])).astype(np.uint8))


def patches(fine: Pixels, places: Sequence[tuple[int, int]], grid: int, side: int, shown: int) -> str:
    """Squares around positions of a layer, three in a row.

    Args:
        fine: The picture in all its detail, (S, S, 3).
        places: (row, column) on a grid of `grid`² positions.
        grid: Positions a side.
        side: Of a patch, in pixels of `fine`.
        shown: To which it is scaled.
    """
    height = len(fine)
    side = min(side, height)
    cut = []
    for place in places:
        top, left = (min(max(0, round((p + 0.5) * height / grid - side / 2)), height - side) for p in place)
        cut.append(resize(np.ascontiguousarray(fine[top : top + side, left : left + side]), shown, shown))
    if not cut:
        cut = [np.full((shown, shown, 3), 128, np.uint8)]
    return picture_uri(contact_sheet([cut[k : k + 3] for k in range(0, len(cut), 3)], gap=3, background=128))


def spectrum_chart(shares: dict[str, Floats]) -> Markup:
    """How much of a layer's matrix its first eigenvalues hold."""

    def draw(axes: Axes) -> None:
        for color, (layer, values) in zip(_colors(len(shares)), shares.items(), strict=True):
            axes.plot(np.arange(1, len(values) + 1), 100 * np.cumsum(values), color=color, label=layer)
        for level in (90, 99):
            axes.axhline(level, color=_QUIET, linewidth=0.7, linestyle=":")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.set(xlabel="eigenvalues counted, largest first", ylabel="share of the sum, %")
        axes.legend()

    return chart_svg(draw)


def block_chart(sizes: Sequence[int], curves: dict[str, Floats]) -> Markup:
    """Relative Gram error against the side of the blocks that were shuffled; both logarithmic, the whole left out."""

    def draw(axes: Axes) -> None:
        for color, (layer, errors) in zip(_colors(len(curves)), curves.items(), strict=True):
            axes.plot(sizes[:-1], 100 * errors[:-1], "o-", ms=4, color=color, label=layer)
        axes.axhline(10, color=_QUIET, linewidth=0.7, linestyle=":")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xticks(sizes[:-1], [str(size) for size in sizes[:-1]])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="side of the shuffled blocks, pixels", ylabel="squared Gram distance, %")
        axes.legend()

    return chart_svg(draw, height=3.6)


def signals_chart(windows: Sequence[Floats], rate: int) -> Markup:
    """Ten channels of a few seconds, one beneath the other; (channels, samples) each, side by side in time."""

    def draw(axes: Axes) -> None:
        begin = 0.0
        for window in windows:
            times = begin + np.arange(window.shape[1]) / rate
            for row, channel in enumerate(window):
                axes.plot(times, -row + 0.22 * channel, color=_MARK, linewidth=0.8)
            begin = times[-1] + 3 / rate
            axes.axvline(begin - 1.5 / rate, color=_QUIET, linewidth=0.6)
        axes.set_yticks([0, 1 - len(windows[0])], ["1", str(len(windows[0]))])
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set(xlabel="seconds", ylabel="channel")
        axes.spines[:].set_visible(False)

    return chart_svg(draw, width=3.4, height=3.0)


def accuracy_chart(examples: Sequence[int], shares: dict[str, Floats], labels: dict[str, str], chance: float) -> Markup:
    """Share of windows told right against the number of known windows."""

    def draw(axes: Axes) -> None:
        for color, name in zip((_MARK, _QUIET, _PLAIN), labels, strict=True):
            axes.plot(examples, 100 * shares[name], "o-", ms=4, color=color, label=labels[name])
        axes.axhline(100 * chance, color=_QUIET, linewidth=0.7, linestyle=":")
        axes.set_xscale("log")
        axes.set_xticks(examples, [str(count) for count in examples])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="known windows of each mode", ylabel="told right, %", ylim=(0, 105))
        axes.legend(loc="lower right")

    return chart_svg(draw)


def delay_chart(delays: Floats, raw: Floats, matrix: Floats) -> Markup:
    """Distance from one's own recording some time later; 1 is another recording of the mode."""

    def draw(axes: Axes) -> None:
        axes.plot(delays, raw, color=_PLAIN, label="samples")
        axes.plot(delays, matrix, color=_MARK, label="correlation matrices")
        axes.axhline(1, color=_QUIET, linewidth=0.7, linestyle=":")
        axes.set(xlabel="delay, seconds", ylabel="squared distance", ylim=(0, None))
        axes.legend()

    return chart_svg(draw)


def cloud(first: Floats, second: Floats, limits: tuple[float, float], names: tuple[str, str]) -> Markup:
    """How often two channels take which values together: a histogram of positions over the plane of both."""

    def draw(axes: Axes) -> None:
        edges = [np.linspace(0, limit, 33) for limit in limits]
        counts, *_ = np.histogram2d(np.minimum(first, limits[0]), np.minimum(second, limits[1]), bins=edges)
        # Most positions lie on an axis, where one channel is silent; they would leave the rest in the dark.
        brightest = max(float(counts[1:, 1:].max()), 1.0)
        shown = in_colors(np.log1p(counts.T) / np.log1p(brightest), "magma")
        extent = (0.0, limits[0], 0.0, limits[1])
        axes.imshow(shown, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
        axes.set(xlabel=names[0], ylabel=names[1])

    return chart_svg(draw, width=3.0, height=2.9)


def _colors(count: int) -> list[str]:
    place = partial(np.linspace, 0, len(_LAYER_COLORS) - 1)
    if count <= len(_LAYER_COLORS):
        return [_LAYER_COLORS[round(float(k))] for k in place(count)]
    return [_LAYER_COLORS[k % len(_LAYER_COLORS)] for k in range(count)]
