"""What the card and its software are."""

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpu_section import Asked

PACKAGES = (
    *("torch", "torchvision", "pytorch-lightning", "onnx", "onnxruntime", "onnxruntime-gpu", "onnxscript", "triton"),
    *("numpy", "pillow", "opencv-python-headless", "safetensors", "rich", "tensorboard", "pytest", "typer"),
    *("jsonargparse", "av"),
)

# Without these nothing can be trained; the others cost a test or two.
NEEDED = ("torch", "torchvision", "pytorch_lightning", "onnx", "onnxruntime", "safetensors", "cv2", "PIL", "rich")


def run(asked: "Asked") -> int:
    """Tell; fails if a package is missing that training needs."""
    asked.tell("python", platform.python_version())
    asked.tell("system", f"{platform.system()} {platform.release()}, {os.cpu_count()} cores")
    asked.tell("packages", {name: _version(name) for name in PACKAGES})
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f"training needs {', '.join(missing)}; pip install 'fststyle[train]', or carry the wheels")
        return 1
    import torch

    asked.tell("CUDA of torch", str(torch.version.cuda))
    asked.tell("cuDNN", str(torch.backends.cudnn.version()))
    if not asked.on_gpu:
        asked.tell("card", "a CPU, to try the script")
        return 0
    asked.tell("card", torch.cuda.get_device_name(0))
    asked.tell("cards", torch.cuda.device_count())
    properties = torch.cuda.get_device_properties(0)
    asked.tell("memory GB", round(properties.total_memory / 1e9, 1))
    asked.tell("free GB", round(torch.cuda.mem_get_info()[0] / 1e9, 1))
    asked.tell("multiprocessors", properties.multi_processor_count)
    asked.tell("compute capability", f"{properties.major}.{properties.minor}")
    asked.tell("bf16", torch.cuda.is_bf16_supported(including_emulation=False))
    asked.tell("NCCL", torch.distributed.is_available() and torch.distributed.is_nccl_available())
    asked.tell("driver", _driver())
    return 0


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _driver() -> str:
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,power.limit", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "nvidia-smi does not answer"
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown"
