"""The contents of the page's sections: numbers, pictures and charts for the template, computed from activations.

Sections that need a synthesis are in `painted_sections.py`.
"""

from typing import Any

import numpy as np
import torch

from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.explain import distribution, figures, pairs, sensor, shuffles, statistics
from fststyle.training.explain.subject import Square
from fststyle.training.pages.page import picture_uri
from fststyle.training.tensors import to_uint8

Section = dict[str, Any]

_PATCH_SHOWN = 96
_EXAMPLES = (1, 2, 5, 10, 20, 50, 100)


def one_entry(painting: Square, layer: str, pair: pairs.Pair) -> Section:
    """One number of the matrix, as pictures: two channels and their product."""
    means = [float(activity.mean()) for activity in pair.maps]
    return {
        "layer": layer,
        "channels": painting.features[layer].shape[1],
        "pair": pair,
        "maps": [figures.activity_map(activity, max(float(activity.max()), 1e-12)) for activity in pair.maps],
        "means": means,
        "alone": means[0] * means[1],
    }


def matrices(painting: Square, other: Square, layers: tuple[str, ...]) -> Section:
    """Heat maps of the style matrices in an order that shows their blocks, and their spectra."""
    rows: list[Section] = []
    spectra = {}
    for layer in layers:
        grams = [gram_matrix(square.features[layer].double())[0] for square in (painting, other)]
        cosines = [statistics.cosines(gram.numpy()) for gram in grams]
        order = statistics.cluster_order(cosines[0])
        shares, vectors = statistics.spectrum(painting.features[layer])
        means = statistics.channel_means(painting.features[layer])[0]
        spectra[layer] = shares
        rows.append(
            {
                "layer": layer,
                "channels": len(order),
                "painting": figures.heat_map(cosines[0][np.ix_(order, order)]),
                "other": figures.heat_map(cosines[1][np.ix_(order, order)]),
                "distance": float(statistics.relative_error(grams[1], grams[0])),
                "first": float(shares[0]),
                "first_is_mean": float((vectors[:, 0] @ means).abs() / means.norm()),
                "ranks": [statistics.rank_holding(shares, share) for share in statistics.HELD],
            }
        )
    return {
        "rows": rows,
        "legend": figures.legend({0: "0: never together", 0.5: "0.25", 1: "1: in proportion"}),
        "chart": figures.spectrum_chart(spectra),
    }


@torch.no_grad()
def positions(
    network: LossNetwork, painting: Square, other: Square, layers: tuple[str, ...], *, seed: int, repeats: int
) -> Section:
    """What shuffling does: of activations, of the picture in blocks; beside it, a slide and another picture."""
    generator = torch.Generator().manual_seed(seed)
    image, side = painting.image, len(painting.rgb)
    slide = max(1, side // 16)
    windows = [network(part, layers) for part in (image[..., slide:], image[..., :-slide])]
    sizes = shuffles.block_sizes(side)
    curves = shuffles.block_curves(network, image, layers, generator, repeats=repeats)
    rows: list[Section] = []
    for layer in layers:
        x = painting.features[layer]
        apart = _raw_and_gram(other.features[layer], x)
        rows.append(
            {
                "layer": layer,
                "shuffled": shuffles.shuffle_positions(x, generator),
                "slid": _raw_and_gram(windows[0][layer], windows[1][layer]),
                "other": apart,
                "field": shuffles.receptive_field(network, layer),
                "at_one": float(curves[layer][0]),
                "at_large": float(curves[layer][-2]) if sizes[1:] else 0.0,
                "nearer": shuffles.falls_below(sizes, curves[layer], apart[1]),
                "within": shuffles.falls_below(sizes, curves[layer], 0.1),
            }
        )
    shown = sorted({sizes[0], sizes[len(sizes) // 3], sizes[2 * len(sizes) // 3], sizes[-2] if sizes[1:] else sizes[0]})
    blocks = [(size, shuffles.shuffle_blocks(image, size, generator)) for size in shown]
    return {
        "rows": rows,
        "slide": slide,
        "repeats": repeats,
        "unequal": sum(row["shuffled"].unequal for row in rows),
        "entries": sum(painting.features[layer].shape[1] ** 2 for layer in layers),
        "bits": min(row["shuffled"].bits for row in rows),
        "rounding": max(row["shuffled"].rounding for row in rows),
        "raw": [row["shuffled"].raw for row in rows],
        "raw_other": [row["other"][0] for row in rows],
        "blocks": [(size, picture_uri(to_uint8(picture))) for size, picture in blocks],
        "chart": figures.block_chart(sizes, curves),
        "large": sizes[-2] if sizes[1:] else sizes[0],
        "worse_than_other": sum(row["at_one"] > row["other"][1] for row in rows),
    }


def _raw_and_gram(x: torch.Tensor, target: torch.Tensor) -> tuple[float, float]:
    """Relative squared distances of activations and of their Gram matrices."""
    grams = gram_matrix(x), gram_matrix(target)
    return float(statistics.relative_error(x, target)), float(statistics.relative_error(*grams))


def together(network: LossNetwork, painting: Square, layer: str, found: list[pairs.Pair]) -> Section:
    """Where pairs of channels fire, each alone and both together."""
    side, fine = len(painting.rgb), len(painting.fine)
    grid = painting.features[layer].shape[2]
    field = shuffles.receptive_field(network, layer)
    apart = max(1, round(0.75 * field * grid / side))
    rows: list[Section] = []
    for pair in found:
        strips = []
        for activity in pair.maps:
            places = pairs.peaks(activity, 9, apart=apart, margin=apart)
            strips.append(figures.patches(painting.fine, places, grid, round(field * fine / side), _PATCH_SHOWN))
        where = figures.spotlight(painting.rgb, pair.maps[2])
        rows.append({"pair": pair, "mean": float(pair.maps[2].mean()), "strips": strips, "where": where})
    return {"layer": layer, "field": field, "rows": rows}


def distributions(painting: Square, other: Square, layers: tuple[str, ...]) -> Section:
    """The style cost against the double sum over positions: halves of the painting, and another picture."""
    rows: list[Section] = []
    for layer in layers:
        x = painting.features[layer]
        half = x.shape[3] // 2
        compared = (x[..., :half], x[..., half : 2 * half]), (other.features[layer], x)
        halves, apart = (distribution.compare(*pair) for pair in compared)
        energy = float(gram_matrix(x).square().sum()) * x.shape[1] ** 2
        shares = {"halves": halves.style / energy, "other": apart.style / energy}
        rows.append({"layer": layer, "halves": halves, "other": apart, "shares": shares})
    ends = [row[name] for row in rows for name in ("halves", "other")]
    return {
        "rows": rows,
        "worst": max(end.difference for end in ends),
        "nearer": sum(row["shares"]["halves"] < row["shares"]["other"] for row in rows),
    }


def sensors(seed: int) -> Section:
    """The analogy: ten sensors on a body."""
    body, rng = sensor.Body(seed), np.random.default_rng(seed + 3)
    recordings = {mode: [body.record(mode, sensor.WINDOW_SECONDS, rng) for _ in range(2)] for mode in sensor.MODES}
    shares = sensor.accuracies(_EXAMPLES, seed=seed)
    delays = np.arange(0, round(0.5 * sensor.RATE) + 1)
    raw, matrix = sensor.delay_curves(delays, seed=seed)
    far = delays[raw >= 1]
    labels = {"matrix": "correlation matrices", "loudness": "loudness of each channel", "raw": "samples themselves"}
    return {
        "channels": sensor.CHANNELS,
        "seconds": sensor.WINDOW_SECONDS,
        "rate": sensor.RATE,
        "chance": 1 / len(sensor.MODES),
        "most": _EXAMPLES[-1],
        "one": {name: float(values[0]) for name, values in shares.items()},
        "many": {name: float(values[-1]) for name, values in shares.items()},
        "signals": [(mode, figures.signals_chart(pair, sensor.RATE)) for mode, pair in recordings.items()],
        "matrices": [
            (mode, [figures.correlation_map(sensor.correlations(window)) for window in pair])
            for mode, pair in recordings.items()
        ],
        "legend": figures.legend({0: "−1: move oppositely", 0.5: "0", 1: "1: move together"}, "RdBu_r"),
        "accuracy": figures.accuracy_chart(_EXAMPLES, shares, labels, 1 / len(sensor.MODES)),
        "delays": figures.delay_chart(delays / sensor.RATE, raw, matrix),
        "lost_after": float(far[0]) / sensor.RATE if len(far) else None,
        "matrix_then": float(matrix[far[0]]) if len(far) else float(matrix[-1]),
        "matrix_worst": float(matrix.max()),
    }
