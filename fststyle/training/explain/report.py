"""The whole page: its pictures, its sections in order, and the progress of the work."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fststyle import samples
from fststyle.pictures.files import fit_longer_side, read_picture
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost
from fststyle.training.explain import painted_sections as painted
from fststyle.training.explain import pairs, sections
from fststyle.training.explain.subject import Square, fitting_side, load_network, load_square
from fststyle.training.pages.page import picture_uri, write_page

Progress = Callable[[str, float], None]
"""Called with what is being worked on and how much of the whole is done, 0..1."""

# How much of the whole the sections without syntheses take, in iterations of one.
_PLAIN_SECTION = 20

# The sample photo that stands for "another picture" where none is given.
_STRANGER = "coffee"

_SHOWN_WHOLE = 960


@dataclass(frozen=True)
class Explanation:
    """What is to be explained, and how thoroughly.

    Attributes:
        style: The painting.
        content: A photo, for the section on content; also the picture to compare with.
        cost: Loss network, weights, pooling and layers; content layers are those at which the photo is inverted.
        size: Side of the squares that are looked at and synthesized; less if the painting is smaller.
        iterations: Of every synthesis.
        repeats: How many shuffles are averaged.
        seed: Of noise, shuffles and sensors.
        command: The line that makes the page again, for its foot.
    """

    style: Path
    content: Path | None = None
    cost: Cost = Cost(loss_network="vgg19")
    size: int = 256
    iterations: int = 120
    repeats: int = 3
    seed: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        if not self.cost.style_layers:
            raise ValueError("an explanation needs style layers; name some, such as relu1_2,relu2_2")
        for name in ("size", "iterations", "repeats"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")


def write_explanation(explanation: Explanation, output: Path, progress: Progress = lambda _name, _share: None) -> None:
    """Compute everything and write the page, whole or not at all.

    Raises:
        FststyleError: If a picture cannot be read, the page cannot be written, or the loss network's weights are
            missing or do not fit.
        ValueError: If a layer is unknown, or the painting is too small for it.
    """
    if output.is_dir():
        raise ValueError(f"{output} is a folder; name a file for the page, such as {output / 'explained.html'}")
    begun = time.perf_counter()
    clock = _Clock(explanation, progress)
    side = fitting_side(explanation.style, explanation.size)
    compared = explanation.content or _stranger()
    read_picture(compared)  # to complain before anything is computed
    cost = explanation.cost if explanation.content else replace(explanation.cost, content_layers=())
    clock.section("looking at the painting")
    network = load_network(cost)
    style_layers = tuple(layer for layer in network.index_of if layer in cost.style_layers)
    content_layers = tuple(layer for layer in network.index_of if layer in cost.content_layers)
    painting = load_square(network, explanation.style, side)
    other = load_square(network, compared, side)
    context = _sections(explanation, clock, network, painting, other, style_layers, content_layers)
    context |= _about(explanation, painting, other) | {
        "side": side,
        "style_layers": style_layers,
        "content_layers": content_layers,
        "seconds": time.perf_counter() - begun,
    }
    write_page(output, "explain.html.j2", **context)


def _about(explanation: Explanation, painting: Square, other: Square) -> dict[str, Any]:
    return {
        "title": f"{painting.name}: why products are style",
        "painting": painting,
        "other": other,
        "shown": {
            "whole": picture_uri(fit_longer_side(painting.whole, _SHOWN_WHOLE)),
            "square": picture_uri(painting.rgb),
            "other": picture_uri(other.rgb),
        },
        "explanation": explanation,
    }


def _sections(
    explanation: Explanation,
    clock: "_Clock",
    network: LossNetwork,
    painting: Square,
    other: Square,
    style_layers: tuple[str, ...],
    content_layers: tuple[str, ...],
) -> dict[str, Any]:
    # Motifs are small enough there to be looked at, and a single layer is far from knowing the whole picture.
    near = style_layers[min(1, len(style_layers) - 1)]
    found = pairs.strongest_pairs(painting.features[near], other.features[near], 3)
    if not found:
        raise ValueError(f"nothing fires together at {near} in {painting.name}; choose another painting or layer")
    start = painted.noise(len(painting.rgb), explanation.seed)
    paint = painted.Painter(network, start, explanation.iterations, clock.iteration)
    seed, repeats = explanation.seed, explanation.repeats
    context: dict[str, Any] = {"entry": sections.one_entry(painting, near, found[0])}
    clock.section("1 the matrices")
    context["matrices"] = sections.matrices(painting, other, style_layers)
    clock.section("2 position")
    context["positions"] = sections.positions(network, painting, other, style_layers, seed=seed, repeats=repeats)
    clock.section("3 pairs of channels")
    context["together"] = sections.together(network, painting, near, found)
    context["one_layer"] = painted.one_layer(paint, painting, near)
    clock.section("4 products against activations")
    context["all_layers"] = painted.all_layers(paint, painting, style_layers)
    clock.section("5 distributions")
    context["distributions"] = sections.distributions(painting, other, style_layers)
    clock.section("6 sensors")
    context["sensors"] = sections.sensors(seed)
    context["content"] = None
    if content_layers:
        clock.section("7 content by layer")
        context["content"] = painted.content_by_layer(paint, other, content_layers)
    clock.section("writing the page")
    return context


def _stranger() -> Path:
    return next(path for path in samples.photos() if path.stem == _STRANGER)


class _Clock:
    """Turns sections and iterations into a share of the whole."""

    def __init__(self, explanation: Explanation, progress: Progress) -> None:
        runs = painted.ONE_LAYER_RUNS + painted.ALL_LAYER_RUNS
        runs += len(explanation.cost.content_layers) if explanation.content else 0
        plain = 9 if explanation.content else 8
        self._total = plain * _PLAIN_SECTION + runs * explanation.iterations
        self._done, self._name, self._report = -_PLAIN_SECTION, "", progress

    def section(self, name: str) -> None:
        self._name = name
        self._done += _PLAIN_SECTION
        self._report(name, self._done / self._total)

    def iteration(self) -> None:
        self._done += 1
        self._report(self._name, self._done / self._total)
