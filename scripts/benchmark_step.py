#!/usr/bin/env python
"""What a training step costs: ours, a bare loop of the same tensors, and the way of pytorch/examples.

All three run in turn, several rounds in one process, and medians are compared: on a noisy machine only the ratios mean
something. Random weights do, since time does not depend on them; photos are the package's samples.

    python scripts/benchmark_step.py --batch 4 --crop 256
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from fststyle import samples
from fststyle.training.data import ContentData
from fststyle.training.loss_network import LossNetwork
from fststyle.training.losses import gram_matrix
from fststyle.training.module import StyleTransferModule
from fststyle.training.objective import Cost
from fststyle.training.transformer_net import build_transformer_net


class StepTimes(pl.Callback):
    """Seconds from the end of each step to the end of the next: data, step, logs, hooks, everything."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._last: float | None = None

    def on_train_batch_end(self, *_: Any) -> None:
        """Look at the clock."""
        now = time.perf_counter()
        if self._last is not None:
            self.seconds.append(now - self._last)
        self._last = now


def ours(module: StyleTransferModule, batches: Iterator[Tensor], steps: int) -> list[float]:
    times = StepTimes()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=steps + 1,
        max_epochs=-1,
        callbacks=[times],
        logger=False,
        limit_val_batches=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, batches)
    return times.seconds


def timed(step: Callable[[Tensor], None], batches: Iterator[Tensor], steps: int) -> list[float]:
    seconds = []
    for _ in range(steps):
        began = time.perf_counter()
        step(next(batches))
        seconds.append(time.perf_counter() - began)
    return seconds


def bare_step(module: StyleTransferModule) -> Callable[[Tensor], None]:
    """The same network, cost, optimizer and average, and nothing else."""
    optimizer = torch.optim.Adam(module.net.parameters(), lr=1e-3)

    def step(batch: Tensor) -> None:
        total = module.terms(batch).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        module.averaged.update_parameters(module.net)

    return step


def examples_step(style_size: int) -> Callable[[Tensor], None]:
    """pytorch/examples: all of VGG-16 to relu4_3 for photo and output alike, mean squared errors, Adam, float32."""
    layers = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    vgg, net = LossNetwork("vgg16", layers), build_transformer_net("johnson")
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with torch.no_grad():
        grams = [gram_matrix(x) for x in vgg(torch.rand(1, 3, style_size, style_size)).values()]

    def step(batch: Tensor) -> None:
        content = batch.float().div(255)
        optimizer.zero_grad()
        output = net(content)
        of_output, of_content = vgg(output), vgg(content)
        total = 1e5 * F.mse_loss(of_output["relu2_2"], of_content["relu2_2"])
        for features, gram in zip(of_output.values(), grams, strict=True):
            total = total + 1e10 * F.mse_loss(gram_matrix(features), gram.expand(len(content), -1, -1))
        total.backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--steps", type=int, default=4, help="a round of each")
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.safetensors"
        vgg = LossNetwork("vgg19", Cost().layers)
        for layer in vgg.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        save_file({f"features.{name}": tensor for name, tensor in vgg.features.state_dict().items()}, weights)
        data = ContentData(samples.photo_folder(), crop=arguments.crop, batch_size=arguments.batch)
        modules = {
            name: StyleTransferModule(samples.style("swirls"), network=name, cost=Cost(weights=weights))
            for name in ("johnson", "fast")
        }
        data.setup("fit")
        for module in modules.values():
            module.setup("fit")

    batches = iter(data.train_dataloader())
    bare = {name: bare_step(module) for name, module in modules.items()}
    examples = examples_step(modules["johnson"].style_size)
    seconds: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        for name, module in modules.items():
            seconds.setdefault(f"ours, {name}", []).extend(ours(module, batches, arguments.steps))
            seconds.setdefault(f"bare loop, {name}", []).extend(timed(bare[name], batches, arguments.steps))
        seconds.setdefault("pytorch/examples", []).extend(timed(examples, batches, arguments.steps))

    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"batch {arguments.batch}, {arguments.crop}², {torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, median in medians.items():
        print(f"{name:<20} {median:6.3f} s a step   {median / medians['pytorch/examples']:5.2f} of pytorch/examples")
    for name in modules:
        print(f"ours / bare loop, {name}: {medians[f'ours, {name}'] / medians[f'bare loop, {name}']:.3f}")


if __name__ == "__main__":
    main()
