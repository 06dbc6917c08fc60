"""What a training step costs, part by part, and against others' way of making it.

All contenders run in turn, several rounds in one process, and medians are compared: on a noisy machine only the ratios
mean something. VGG's weights are random here, since time does not depend on them; photos are the package's samples.
"""

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from fststyle import samples
from fststyle.training.cost.loss_network import Architecture, LossNetwork
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.cache import CACHE_FOLDER
from fststyle.training.data.photos import ContentData
from fststyle.training.devices import Precision, default_precision
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.step_cost import step_cost
from fststyle.training.fit.trainer import bare_trainer
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net
from fststyle.training.tensors import content_of

PARTS = (
    "data",
    "content features",
    "transformer",
    "loss network",
    "loss network, backward",
    "transformer, backward",
    "optimizer",
)
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
        _write_random_vgg(random_vgg)
        slim, medium = Cost(loss_network="slim"), Cost(loss_network="medium")
        vgg = Cost(loss_network="vgg19", weights=random_vgg)
        cost = vgg if loss_network == "vgg19" else Cost(loss_network=loss_network)
        data = ContentData(samples.photo_folder(), crop=crop, batch_size=batch)
        data.cache_folder = Path(folder) / CACHE_FOLDER
        with warnings.catch_warnings(action="ignore"):  # ten photos would be few to train with
            data.setup("fit")
        costs = {OURS: cost, STEADY: replace(cost, temporal_weight=1.0), OURS_SLIM: slim, OURS_VGG: vgg}
        modules = {name: _module(network, each, device) for name, each in costs.items()}
        batches = iter(data.train_dataloader())
        parts: dict[str, list[float]] = {part: [] for part in PARTS}
        contenders: dict[str, Callable[[], list[float]]] = {
            OURS: lambda: _ours(modules[OURS], batches, steps, device, precision),
            STEADY: lambda: _ours(modules[STEADY], batches, steps, device, precision),
            BARE: lambda: _in_parts(modules[OURS], batches, steps, device, precision, parts),
            OURS_SLIM: lambda: _ours(modules[OURS_SLIM], batches, steps, device, precision),
            OURS_VGG: lambda: _ours(modules[OURS_VGG], batches, steps, device, precision),
            EXAMPLES: _repeated(_examples_step(modules[OURS].style_size, device), batches, steps, device),
        }
        judged = torch.rand(batch, 3, crop, crop, device=device)
        for name, each in ((SLIM_ALONE, slim), (MEDIUM_ALONE, medium), (VGG_ALONE, vgg)):
            objective = PerceptualObjective(each, torch.rand(1, 3, 64, 64), photos=[torch.rand(1, 3, 64, 64)])
            contenders[name] = _repeated(_judging_step(objective.to(device), judged, precision), batches, steps, device)
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


class _StepTimes(pl.Callback):
    """Seconds from the end of each step to the end of the next: data, step, logs, hooks, everything."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: list[float] = []
        self._last: float | None = None

    def on_train_batch_end(self, *_: Any) -> None:
        now = _clock(self.device)
        if self._last is not None:
            self.seconds.append(now - self._last)
        self._last = now


def _module(network: NetworkName, cost: Cost, device: torch.device) -> StyleTransferModule:
    module = StyleTransferModule(samples.style("swirls"), network=network, cost=cost, init="none").to(device)
    module.setup("fit")
    module.on_fit_start()
    return module


def _autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """What Lightning puts around a step."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")


def _ours(
    module: StyleTransferModule, batches: Iterator[Tensor], steps: int, device: torch.device, precision: Precision
) -> list[float]:
    times = _StepTimes(device)
    trainer = bare_trainer(
        device,
        precision=precision,
        max_steps=steps + 1,
        callbacks=[times],
        limit_val_batches=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(module, batches)
    return times.seconds


def _in_parts(
    module: StyleTransferModule,
    batches: Iterator[Tensor],
    steps: int,
    device: torch.device,
    precision: Precision,
    parts: dict[str, list[float]],
) -> list[float]:
    """The same network, cost, optimizer and average, and nothing else; notes when each part is done."""
    module.to(device)  # Lightning has brought it back to the CPU, and its layout with it
    module.on_fit_start()
    optimizer = module.build_optimizer()
    whole = []
    for _ in range(steps):
        marks = [_clock(device)]
        batch = next(batches).to(device)
        marks.append(_clock(device))
        painted: list[Tensor] = []

        def paint(content: Tensor, marks: list[float] = marks, painted: list[Tensor] = painted) -> Tensor:
            marks.append(_clock(device))
            painted.append(module.net(content))
            marks.append(_clock(device))
            return painted[0].detach().requires_grad_()

        with _autocast(device, precision):
            terms, judged = step_cost(module.objective, paint, content_of(batch), range(len(batch)))
        marks.append(_clock(device))
        terms.total.backward()  # type: ignore[no-untyped-call]
        marks.append(_clock(device))
        optimizer.zero_grad()
        painted[0].backward(judged.grad)  # type: ignore[no-untyped-call]
        marks.append(_clock(device))
        optimizer.step()
        module.averaged.update_parameters(module.net)
        marks.append(_clock(device))
        for part, begun, ended in zip(PARTS, marks[:-1], marks[1:], strict=True):
            parts[part].append(ended - begun)
        whole.append(marks[-1] - marks[0])
    return whole


def _repeated(
    step: Callable[[Tensor], None], batches: Iterator[Tensor], steps: int, device: torch.device
) -> Callable[[], list[float]]:
    def run() -> list[float]:
        seconds = []
        for _ in range(steps):
            begun = _clock(device)
            step(next(batches).to(device))
            seconds.append(_clock(device) - begun)
        return seconds

    return run


def _examples_step(style_size: int, device: torch.device) -> Callable[[Tensor], None]:
    """pytorch/examples: Johnson's network, all of VGG-16 to relu4_3 for photo and output alike, Adam, float32."""
    layers = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    vgg, net = LossNetwork("vgg16", layers).to(device), build_transformer_net("johnson").to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with torch.no_grad():
        grams = [gram_matrix(x) for x in vgg(torch.rand(1, 3, style_size, style_size, device=device)).values()]

    def step(batch: Tensor) -> None:
        content = batch.float().div(255)
        optimizer.zero_grad()
        output = net(content)
        of_output, of_content = vgg(output), vgg(content)
        total = 1e5 * F.mse_loss(of_output["relu2_2"], of_content["relu2_2"])
        for features, gram in zip(of_output.values(), grams, strict=True):
            total = total + 1e10 * F.mse_loss(gram_matrix(features), gram.expand(len(content), -1, -1))
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _judging_step(objective: PerceptualObjective, pictures: Tensor, precision: Precision) -> Callable[[Tensor], None]:
    def step(batch: Tensor) -> None:
        with _autocast(pictures.device, precision):
            features = objective.content_features(batch.float().div(255))
            total = objective.terms(pictures.requires_grad_(), features).total
        total.backward()  # type: ignore[no-untyped-call]

    return step


def _write_random_vgg(path: Path) -> None:
    vgg = LossNetwork("vgg19", Cost().layers)
    for layer in vgg.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    save_file({f"features.{name}": cast(Tensor, value) for name, value in vgg.features.state_dict().items()}, path)


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
