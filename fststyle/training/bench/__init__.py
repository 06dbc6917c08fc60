"""How long a training step takes, part by part, and beside other programs' steps.

All contenders (`contenders.py`) take turns, for several rounds in one process, and medians are compared. On a noisy
machine only the ratios mean something. VGG's weights are random, because time does not depend on them. The photos are
the package's samples.
"""

import statistics
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import torch

from fststyle import samples
from fststyle.training.bench.contenders import (
    PARTS,
    examples_step,
    in_parts,
    judging_step,
    module_for,
    ours,
    repeated,
    write_random_vgg,
)
from fststyle.training.cost.loss_network import Architecture
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.cache import CACHE_FOLDER
from fststyle.training.data.photos import ContentData
from fststyle.training.devices import Precision, default_precision
from fststyle.training.networks.transformer_net import NetworkName

__all__ = [
    "BARE",
    "EXAMPLES",
    "MEDIUM_ALONE",
    "OURS",
    "OURS_SLIM",
    "OURS_VGG",
    "PARTS",
    "SLIM_ALONE",
    "STEADY",
    "VGG_ALONE",
    "StepBench",
    "bench_training",
]

OURS, BARE, EXAMPLES = "ours", "a bare loop", "pytorch/examples' way"
STEADY, OURS_SLIM, OURS_VGG = "ours, for steadiness", "ours with slim", "ours with vgg19"
SLIM_ALONE, MEDIUM_ALONE, VGG_ALONE = "slim alone", "medium alone", "vgg19 alone"


@dataclass(frozen=True)
class StepBench:
    """Median seconds.

    Attributes:
        batch: Pictures a step.
        crop: Their side.
        precision: Of all but pytorch/examples' way, which is float32.
        steps: By contender: a whole step of training; `STEADY` is ours with a `temporal_weight`. Those that are "alone"
            are only what a loss network does in one: content features of the photos, the cost of the pictures, and its
            gradient.
        parts: Of our step, in order; see `PARTS`.
    """

    batch: int
    crop: int
    precision: str
    steps: dict[str, float]
    parts: dict[str, float]

    @property
    def images_per_second(self) -> float:
        """Of our step."""
        return self.batch / self.steps[OURS]


def bench_training(
    network: NetworkName = "fast",
    loss_network: Architecture = "medium",
    *,
    batch: int = 4,
    crop: int = 256,
    rounds: int = 5,
    steps: int = 3,
    device: torch.device | None = None,
    precision: Precision | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> StepBench:
    """Measure; at 256² five rounds take several minutes on two CPU cores.

    Args:
        network: Which is trained.
        loss_network: With which it is trained.
        batch: Pictures a step.
        crop: Their side in pixels.
        rounds: How often the contenders take turns.
        steps: Of each in a round.
        device: Where; the CPU if not given.
        precision: What `fststyle train` takes on this device, if not given.
        progress: Called with rounds done and of how many.

    Raises:
        ValueError: For numbers below 1, crops below 32 and other precisions.
    """
    if min(rounds, steps) < 1:
        raise ValueError(f"rounds and steps must be at least 1, not {rounds} and {steps}")
    if precision not in (None, *get_args(Precision)):
        raise ValueError(f"precision must be one of {', '.join(get_args(Precision))}, not {precision!r}")
    device = device or torch.device("cpu")
    precision = precision or default_precision(device)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        random_vgg = Path(folder) / "random.safetensors"
        write_random_vgg(random_vgg)
        slim, medium = Cost(loss_network="slim"), Cost(loss_network="medium")
        vgg = Cost(loss_network="vgg19", weights=random_vgg)
        cost = vgg if loss_network == "vgg19" else Cost(loss_network=loss_network)
        data = ContentData(samples.photo_folder(), crop=crop, batch_size=batch)
        data.cache_folder, data.device = Path(folder) / CACHE_FOLDER, device
        with warnings.catch_warnings(action="ignore"):  # ten photos would be few to train with
            data.setup("fit")
        costs = {OURS: cost, STEADY: replace(cost, temporal_weight=1.0), OURS_SLIM: slim, OURS_VGG: vgg}
        modules = {name: module_for(network, each, device) for name, each in costs.items()}
        batches = iter(data.train_dataloader())
        parts: dict[str, list[float]] = {part: [] for part in PARTS}
        contenders: dict[str, Callable[[], list[float]]] = {
            OURS: lambda: ours(modules[OURS], batches, steps, device, precision),
            STEADY: lambda: ours(modules[STEADY], batches, steps, device, precision),
            BARE: lambda: in_parts(modules[OURS], batches, steps, device, precision, parts),
            OURS_SLIM: lambda: ours(modules[OURS_SLIM], batches, steps, device, precision),
            OURS_VGG: lambda: ours(modules[OURS_VGG], batches, steps, device, precision),
            EXAMPLES: repeated(examples_step(modules[OURS].style_size, device), batches, steps, device),
        }
        judged = torch.rand(batch, 3, crop, crop, device=device)
        for name, each in ((SLIM_ALONE, slim), (MEDIUM_ALONE, medium), (VGG_ALONE, vgg)):
            objective = PerceptualObjective(each, torch.rand(1, 3, 64, 64), photos=[torch.rand(1, 3, 64, 64)])
            contenders[name] = repeated(judging_step(objective.to(device), judged, precision), batches, steps, device)
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for turn in range(rounds + 1):
            for name, run in contenders.items():
                seconds[name].extend(run())
            if turn == 0:  # everybody's first steps choose algorithms and fill caches
                seconds = {name: [] for name in contenders}
                parts.update({part: [] for part in PARTS})
            progress(turn, rounds)
    return StepBench(
        batch,
        crop,
        precision,
        {name: statistics.median(values) for name, values in seconds.items()},
        {name: statistics.median(values) for name, values in parts.items()},
    )
