"""How long networks take for a picture. `johnson` is measured in turn with them, because machines are noisy."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from fststyle.model.card import ModelCard
from fststyle.model.file import write_model
from fststyle.paint.stylizer import Stylizer
from fststyle.training.export import export_network
from fststyle.training.judge.evaluation import Speed
from fststyle.training.judge.flicker import Stylize
from fststyle.training.networks.transformer_net import build_transformer_net

_ROUNDS = 5


def measure_speed(networks: Sequence[tuple[Stylize, tuple[int, int] | None]], side: int) -> list[Speed]:
    """Of every network and, last, of our `johnson` with random weights: time does not depend on them.

    Args:
        networks: Each with its height and width if it takes no others; one that does would be timed with the resizing.
        side: Of the noise that the others get.
    """
    sides = [*(only or (side, side) for _, only in networks), (side, side)]
    with tempfile.TemporaryDirectory() as folder:
        stylizers: list[Stylize] = [
            *(stylize for stylize, _ in networks),
            _random_johnson(Path(folder) / "johnson.onnx"),
        ]
    rng = np.random.default_rng(0)
    runs: list[Callable[[], object]] = []
    for stylize, (height, width) in zip(stylizers, sides, strict=True):
        runs.append(partial(stylize, rng.integers(0, 256, (height, width, 3), np.uint8)))
    return [Speed(1e3 * each, *shape) for each, shape in zip(time_runs(runs, _ROUNDS), sides, strict=True)]


def time_runs(runs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each, taken in turn so that a busy machine is busy for all, after one run each to warm up."""
    for run in runs:
        run()
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, into in zip(runs, seconds, strict=True):
            begun = time.perf_counter()
            run()
            into.append(time.perf_counter() - begun)
    return [statistics.median(each) for each in seconds]


def _random_johnson(path: Path) -> Stylizer:
    net = build_transformer_net("johnson").eval()
    card = ModelCard(
        style="none",
        network="johnson",
        width=1.0,
        loss_network="none",
        steps=0,
        licence="none",
        min_side=int(cast(int, net.min_side)),
    )
    write_model(path, export_network(net), card)
    return Stylizer.load(path, "cpu")
