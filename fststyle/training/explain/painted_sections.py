"""The sections with pictures made from noise: each matches one statistic of the painting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.explain import figures, statistics
from fststyle.training.explain.statistics import Statistic
from fststyle.training.explain.subject import Square
from fststyle.training.explain.syntheses import Synthesis, likeness, synthesize
from fststyle.training.pages.page import picture_uri
from fststyle.training.tensors import to_uint8

Section = dict[str, Any]

ONE_LAYER_RUNS = 6
ALL_LAYER_RUNS = 4


@dataclass(frozen=True)
class Painter:
    """Starts every synthesis from the same noise and lets it run equally long."""

    network: LossNetwork
    start: Tensor
    iterations: int
    on_iteration: Callable[[], None]

    def __call__(self, square: Square, by_layer: dict[str, Statistic]) -> Synthesis:
        """From noise to the square's statistics."""
        return synthesize(
            self.network, square.features, by_layer, self.start, self.iterations, on_iteration=self.on_iteration
        )


def noise(side: int, seed: int) -> Tensor:
    """White noise about middle gray, (1, 3, side, side) in [0.4, 0.6]; of full contrast, some of it would stay."""
    return 0.4 + 0.2 * torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def one_layer(paint: Painter, painting: Square, layer: str) -> Section:
    """From single channels to all products, at one layer."""
    channels = painting.features[layer].shape[1]
    shares, vectors = statistics.spectrum(painting.features[layer])
    ranks = [statistics.rank_holding(shares, share) for share in statistics.HELD]
    ways: list[tuple[str, Statistic, int]] = [
        ("means", statistics.channel_means, channels),
        ("energies", statistics.channel_energies, channels),
        ("means and deviations", statistics.means_and_deviations, 2 * channels),
        *((f"rank {k}", statistics.leading_gram(vectors[:, :k]), _pairs(k)) for k in ranks),
        ("all products", gram_matrix, _pairs(channels)),
    ]
    rows = [_row(name, numbers, paint(painting, {layer: statistic})) for name, statistic, numbers in ways]
    by_name = {row["name"]: row["made"] for row in rows}
    return {
        "layer": layer,
        "channels": channels,
        "ranks": ranks,
        "held": statistics.HELD,
        "rows": rows,
        "energies": by_name["energies"],
        "products": by_name["all products"],
        **_clouds(paint.network, painting, layer, by_name),
    }


def all_layers(paint: Painter, painting: Square, layers: tuple[str, ...]) -> Section:
    """At all style layers together: means, energies, products, and the activations themselves."""
    shapes = [painting.features[layer].shape for layer in layers]
    ways: list[tuple[str, Statistic, int]] = [
        ("means", statistics.channel_means, sum(shape[1] for shape in shapes)),
        ("energies", statistics.channel_energies, sum(shape[1] for shape in shapes)),
        ("all products", gram_matrix, sum(_pairs(shape[1]) for shape in shapes)),
        ("activations", statistics.activations, sum(shape[1:].numel() for shape in shapes)),
    ]
    rows = [_row(name, numbers, paint(painting, dict.fromkeys(layers, way))) for name, way, numbers in ways]
    *_, products, inversion = (row["made"] for row in rows)
    counts: list[Section] = [
        {"layer": layer, "shape": tuple(shape[1:]), "products": _pairs(shape[1]), "activations": shape[1:].numel()}
        for layer, shape in zip(layers, shapes, strict=True)
    ]
    return {
        "rows": rows,
        "energies": rows[1]["made"],
        "products": products,
        "likeness": {
            "products": likeness(products.picture, painting.image),
            "activations": likeness(inversion.picture, painting.image),
        },
        "counts": counts,
        "totals": (sum(row["products"] for row in counts), sum(row["activations"] for row in counts)),
        "fewer": [row["layer"] for row in counts if row["products"] < row["activations"]],
    }


def content_by_layer(paint: Painter, photo: Square, layers: tuple[str, ...]) -> Section:
    """The photo from its activations at one layer at a time."""
    rows: list[Section] = []
    for layer in layers:
        made = paint(photo, {layer: statistics.activations})
        brightness, color = likeness(made.picture, photo.image)
        rows.append(
            {
                "layer": layer,
                "shape": tuple(photo.features[layer].shape[1:]),
                "made": made,
                "picture": picture_uri(to_uint8(made.picture)),
                "brightness": brightness,
                "color": color,
            }
        )
    return {"rows": rows}


def _row(name: str, numbers: int, made: Synthesis) -> Section:
    return {"name": name, "numbers": numbers, "made": made, "picture": picture_uri(to_uint8(made.picture))}


def _clouds(network: LossNetwork, painting: Square, layer: str, made: dict[str, Synthesis]) -> Section:
    """How a pair of channels is distributed in the painting and in two syntheses: the pair that energies miss most."""
    with torch.no_grad():
        seen = {name: network(made[name].picture, (layer,))[layer] for name in ("all products", "energies")}
    original = painting.features[layer]
    missed = (statistics.covariances(original) - statistics.covariances(seen["energies"]))[0].abs().triu(1)
    pair = divmod(int(missed.argmax()), len(missed))
    names = (f"channel {pair[0]}", f"channel {pair[1]}")
    tops = [max(float(np.percentile(original[0, channel].numpy(), 99)), 1e-6) for channel in pair]
    clouds = []
    for name, x in {"painting": original, **seen}.items():
        first, second = (x[0, channel].double().flatten().numpy() for channel in pair)
        varies = first.std() > 0 and second.std() > 0
        correlation = float(np.corrcoef(first, second)[0, 1]) if varies else 0.0
        clouds.append((name, figures.cloud(first, second, (tops[0], tops[1]), names), correlation))
    return {"clouds": clouds, "cloud_pair": pair}


def _pairs(channels: int) -> int:
    """Different numbers in a symmetric matrix."""
    return channels * (channels + 1) // 2
