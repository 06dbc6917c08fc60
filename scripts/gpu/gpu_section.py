"""One section of a check of a GPU, in its own process: gpu_section.py NAME PART DEVICE SECONDS STYLE_SECONDS PARENT."""

import importlib
import json
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fststyle.system.files import atomic_write
from fststyle.system.signals import end_with


@dataclass
class Asked:
    """What a section is to do, and where it tells what it has found.

    Attributes:
        part: Its file.
        device: "cuda" or "cpu".
        seconds: It has so many.
        style_seconds: A style is trained for so many.
    """

    part: Path
    device: str
    seconds: float
    style_seconds: float
    began: float = field(default_factory=time.monotonic)
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def on_gpu(self) -> bool:
        """Whether it is the real thing; on a CPU everything is made small."""
        return self.device == "cuda"

    @property
    def batch(self) -> int:
        """Crops a step that fit into the card: 16, or 4 on one of less than 16 GB."""
        if not self.on_gpu:
            return 1
        import torch

        return 16 if torch.cuda.mem_get_info()[0] > 15e9 else 4

    @property
    def left(self) -> float:
        """Seconds."""
        return self.seconds - (time.monotonic() - self.began)

    def tell(self, name: str, value: Any) -> None:
        """Write one result at once."""
        self.found[name] = value
        atomic_write(self.part, json.dumps(self.found).encode())

    def row(self, table: str, **values: Any) -> None:
        """Write one row of a table at once."""
        self.tell(table, [*self.found.get(table, []), values])


MODULES = {
    "machine": "gpu_machine",
    "tests": "gpu_tests",
    "speed": "gpu_speed",
    "styles": "gpu_styles",
    "curve": "gpu_curve",
    "paper": "gpu_paper",
}


def main() -> int:
    name, part, device, seconds, style_seconds, parent = sys.argv[1:]
    end_with(int(parent))
    if hasattr(signal, "SIGALRM"):  # should the system not know how
        signal.alarm(int(float(seconds)) + 30)
    warnings.filterwarnings("ignore")
    asked = Asked(Path(part), device, float(seconds), float(style_seconds))
    run: Callable[[Asked], int] = importlib.import_module(MODULES[name]).run
    return run(asked)


if __name__ == "__main__":
    sys.exit(main())
