"""The curve: images a second and memory, by batch size and crop."""

import gc
from typing import TYPE_CHECKING, cast

import torch
from gpu_speed import seconds_of, wait

from fststyle.training.bench.contenders import module_for
from fststyle.training.cost.objective import Cost
from fststyle.training.devices import default_precision
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.networks.transformer_net import NetworkName

if TYPE_CHECKING:
    from gpu_section import Asked


def run(asked: "Asked") -> int:
    """Small batches first; what does not fit into the memory is a row, too."""
    device = torch.device(asked.device)
    if asked.on_gpu:
        torch.set_float32_matmul_precision("high")
    crops, sizes = ((128, 256, 512), (1, 4, 16, 64)) if asked.on_gpu else ((32, 64), (1, 2))
    modules = {name: module_for(cast(NetworkName, name), Cost(), device) for name in ("fast", "johnson")}
    for batch in sizes:
        for crop in crops:
            for name, module in modules.items():
                row = {"network": name, "batch": batch, "crop": crop}
                asked.row("curve", **row, **point(module, batch, crop, device))
    return 0


def point(module: StyleTransferModule, batch: int, crop: int, device: torch.device) -> dict[str, object]:
    """A step without Lightning: cost, gradient, optimizer, average."""
    photos = torch.randint(256, (batch, 3, crop, crop), dtype=torch.uint8, device=device)
    optimizer = module.build_optimizer()
    precision = default_precision(device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            total = module.terms(photos).total
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        module.averaged.update_parameters(module.net)

    try:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds = seconds_of(step, 10 if device.type == "cuda" else 1, device)
        wait(device)
    except torch.OutOfMemoryError:
        return {"images/s": "out of memory"}
    finally:
        optimizer.state.clear()
        module.zero_grad()
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    found: dict[str, object] = {"ms": 1e3 * seconds, "images/s": batch / seconds}
    return found | ({"memory GB": torch.cuda.max_memory_allocated() / 1e9} if device.type == "cuda" else {})
