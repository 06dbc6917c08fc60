"""How fast a step is, and what share of the card's peak for bf16 matrices that is, which is measured beside it."""

import gc
import itertools
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from fststyle import samples
from fststyle.training.bench.contenders import judging_step, module_for, ours
from fststyle.training.cost.loss_network import Architecture
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.photos import ContentData
from fststyle.training.devices import Precision, default_precision
from fststyle.training.fit.graphed import Graphs
from fststyle.training.fit.module import StyleTransferModule
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
    shape = Shape(asked.batch, *((256, 60) if asked.on_gpu else (64, 3)))
    for name in ("medium", "slim", "vgg19"):
        rates = tried(lambda name=name: judging(cast(Architecture, name), shape, device, precision))
        asked.row("loss networks", network=name, batch=shape.batch, crop=shape.crop, **with_share(rates, peak))
    for name in ("fast", "johnson"):
        module = module_for(cast(NetworkName, name), Cost(), device)
        resident = batches(shape, device)
        again = itertools.repeat(next(resident))
        for what, source, graphs in (
            ("resident photos", resident, "never"),
            ("one batch again and again", again, "never"),
            ("resident photos, CUDA graphs", resident, "always"),
        ):
            module.graphs = cast(Graphs, graphs)
            rates = tried(lambda module=module, source=source: training(module, source, shape, device, precision))
            asked.row("training", network=name, data=what, batch=shape.batch, **with_share(rates, peak))
    return 0


class Shape(NamedTuple):
    """What is measured: pictures a step, their side in pixels, and how many steps."""

    batch: int
    crop: int
    steps: int


def judging(name: Architecture, shape: Shape, device: torch.device, precision: Precision) -> dict[str, Any]:
    """What a loss network does in a step: photos, pictures, gradient."""
    objective = PerceptualObjective(
        Cost(loss_network=name), torch.rand(1, 3, 256, 256), photos=[torch.rand(1, 3, 64, 64)]
    )
    pictures = torch.rand(shape.batch, 3, shape.crop, shape.crop, device=device)
    step = judging_step(objective.to(device), pictures, precision)
    photos = pictures.mul(255).byte()
    flops = flops_of(lambda: step(photos))
    return rates_of(shape.batch, seconds_of(lambda: step(photos), shape.steps, device), flops)


def training(
    module: StyleTransferModule, source: Iterator[Tensor], shape: Shape, device: torch.device, precision: Precision
) -> dict[str, Any]:
    """Steps under Lightning, with everything that a run has."""
    seconds = statistics.median(ours(module, source, shape.steps, device, precision))
    module.to(device)  # Lightning has brought it back
    module.on_fit_start()
    photos = next(source)
    flops = flops_of(lambda: module.terms(photos).total.backward())  # type: ignore[no-untyped-call]
    return rates_of(shape.batch, seconds, flops)


def tried(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is measured, or that it does not fit into the memory."""
    try:
        return measure()
    except torch.OutOfMemoryError:
        return {"images/s": "out of memory"}
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def rates_of(batch: int, seconds: float, flops: int) -> dict[str, Any]:
    """Of a step."""
    return {"ms": 1e3 * seconds, "images/s": batch / seconds, "TFLOP/s": flops / seconds / 1e12}


def with_share(rates: dict[str, Any], peak: float) -> dict[str, Any]:
    """The same, and the share of the card's peak."""
    return rates | ({"share of the peak": rates["TFLOP/s"] * 1e12 / peak} if "TFLOP/s" in rates else {})


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


def batches(shape: Shape, device: torch.device) -> Iterator[Tensor]:
    """Crops of the sample photos, which lie on the device."""
    data = ContentData(samples.photo_folder(), crop=shape.crop, batch_size=shape.batch, on_device="always")
    data.device = device
    with warnings.catch_warnings(action="ignore"):  # ten photos would be few to train with
        data.setup("fit")
    return iter(data.train_dataloader())
