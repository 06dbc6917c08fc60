"""Ways to make a training step, each timed: ours, ours without Lightning part by part, and pytorch/examples'."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from fststyle import samples
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.losses import gram_matrix
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.devices import Precision
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


class StepTimes(pl.Callback):
    """Seconds from the end of each step to the end of the next: data, step, logs, hooks, everything.

    A GPU notes the ends itself; to wait for it would hide that the program prepares steps while it computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._ends: list[float] = []
        self._events: list[torch.cuda.Event] = []

    def on_train_batch_end(self, *_: Any) -> None:
        """Note the end of a step."""
        if self._on_gpu:
            self._events.append(torch.cuda.Event(enable_timing=True))  # type: ignore[no-untyped-call]
            self._events[-1].record()
        else:
            self._ends.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        """Of each step but the first; waits for the device."""
        if self._on_gpu:
            torch.cuda.synchronize()
            return [begun.elapsed_time(ended) / 1e3 for begun, ended in pairwise(self._events)]
        return [ended - begun for begun, ended in pairwise(self._ends)]


def module_for(network: NetworkName, cost: Cost, device: torch.device) -> StyleTransferModule:
    """A module of ours on a device, ready for a step."""
    module = StyleTransferModule(samples.style("swirls"), network=network, cost=cost, init="none").to(device)
    module.setup("fit")
    module.on_fit_start()
    return module


def _autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """What Lightning puts around a step."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")


def ours(
    module: StyleTransferModule, batches: Iterator[Tensor], steps: int, device: torch.device, precision: Precision
) -> list[float]:
    """Seconds of our steps under Lightning."""
    times = StepTimes(device)
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


def in_parts(
    module: StyleTransferModule,
    batches: Iterator[Tensor],
    steps: int,
    device: torch.device,
    precision: Precision,
    parts: dict[str, list[float]],
) -> list[float]:
    """A bare loop with the same network, cost, optimizer and average; it times each part."""
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


def repeated(
    step: Callable[[Tensor], None], batches: Iterator[Tensor], steps: int, device: torch.device
) -> Callable[[], list[float]]:
    """A contender that makes one step after the other, and returns their seconds."""

    def run() -> list[float]:
        seconds = []
        for _ in range(steps):
            begun = _clock(device)
            step(next(batches).to(device))
            seconds.append(_clock(device) - begun)
        return seconds

    return run


def examples_step(style_size: int, device: torch.device) -> Callable[[Tensor], None]:
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


def judging_step(objective: PerceptualObjective, pictures: Tensor, precision: Precision) -> Callable[[Tensor], None]:
    """What a loss network does in a step: the content features of a batch, the cost of pictures, its gradient."""

    def step(batch: Tensor) -> None:
        with _autocast(pictures.device, precision):
            features = objective.content_features(batch.float().div(255))
            total = objective.terms(pictures.requires_grad_(), features).total
        total.backward()  # type: ignore[no-untyped-call]

    return step


def write_random_vgg(path: Path) -> None:
    """A file of VGG-19's weights, random."""
    vgg = LossNetwork("vgg19", Cost().layers)
    for layer in vgg.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    save_file({f"features.{name}": cast(Tensor, value) for name, value in vgg.features.state_dict().items()}, path)


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
