"""How fast a step is, and what share of the card's peak for bf16 matrices that is, which is measured beside it."""

import itertools
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from fststyle import samples
from fststyle.training.bench.contenders import judging_step, module_for, ours
from fststyle.training.cost.loss_network import Architecture
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.photos import ContentData
from fststyle.training.devices import default_precision
from fststyle.training.fit.graphed import Graphs
from fststyle.training.fit.trainer import quiet_lightning
from fststyle.training.networks.transformer_net import NetworkName

if TYPE_CHECKING:
    from gpu_section import Asked


def run(asked: "Asked") -> int:
    """The peak; loss networks alone; whole steps of training with data, and with one batch again and again."""
    quiet_lightning()
    device = torch.device(asked.device)
    if asked.on_gpu:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    precision = default_precision(device)
    asked.tell("precision", precision)
    peak = matrix_peak(device, side=8192 if asked.on_gpu else 256)
    asked.tell("peak of bf16 matrices, TFLOP/s", peak / 1e12)
    batch, crop, steps = (16, 256, 60) if asked.on_gpu else (1, 64, 3)
    for name in ("medium", "slim", "vgg19"):
        objective = PerceptualObjective(
            Cost(loss_network=cast(Architecture, name)), torch.rand(1, 3, 256, 256), photos=[torch.rand(1, 3, 64, 64)]
        ).to(device)
        pictures = torch.rand(batch, 3, crop, crop, device=device)
        photos = torch.randint(256, (batch, 3, crop, crop), dtype=torch.uint8, device=device)
        step = judging_step(objective, pictures, precision)
        flops = flops_of(lambda step=step, photos=photos: step(photos))
        seconds = seconds_of(lambda step=step, photos=photos: step(photos), steps, device)
        asked.row("loss networks", network=name, batch=batch, crop=crop, **_rates(batch, seconds, flops, peak))
    for name in ("fast", "johnson"):
        module = module_for(cast(NetworkName, name), Cost(), device)
        resident, again = batches(batch, crop, device), itertools.repeat(next(batches(batch, crop, device)))
        for what, source, graphs in (
            ("resident photos", resident, "never"),
            ("one batch again and again", again, "never"),
            ("resident photos, CUDA graphs", resident, "always"),
        ):
            module.graphs = cast(Graphs, graphs)
            took = ours(module, source, steps, device, precision)
            seconds = statistics.median(took)
            module.to(device)
            module.on_fit_start()
            photos = next(resident)
            flops = flops_of(lambda module=module, photos=photos: module.terms(photos).total.backward())
            asked.row("training", network=name, data=what, batch=batch, **_rates(batch, seconds, flops, peak))
    return 0


def matrix_peak(device: torch.device, side: int) -> float:
    """FLOP/s of a large product of bf16 matrices: the best of several rounds."""
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    rounds = [seconds_of(lambda: left @ right, 10, device) for _ in range(5)]
    return 2 * side**3 / min(rounds)


def seconds_of(step: Callable[[], object], steps: int, device: torch.device) -> float:
    """Of one step, without waiting between them; three before them warm up."""
    for _ in range(3):
        step()
    wait(device)
    began = time.perf_counter()
    for _ in range(steps):
        step()
    wait(device)
    return (time.perf_counter() - began) / steps


def flops_of(step: Callable[[], object]) -> int:
    """Of one step, forward and backward: convolutions and products of matrices, a multiplication and an addition."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def wait(device: torch.device) -> None:
    """For everything that a GPU still has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def batches(batch: int, crop: int, device: torch.device) -> Iterator[Tensor]:
    """Crops of the sample photos, which lie on the device."""
    data = ContentData(samples.photo_folder(), crop=crop, batch_size=batch, on_device="always")
    data.device = device
    with warnings.catch_warnings(action="ignore"):  # ten photos would be few to train with
        data.setup("fit")
    return iter(data.train_dataloader())


def _rates(batch: int, seconds: float, flops: int, peak: float) -> dict[str, float]:
    return {
        "ms": 1e3 * seconds,
        "images/s": batch / seconds,
        "TFLOP a step": flops / 1e12,
        "share of the peak": flops / seconds / peak,
    }
