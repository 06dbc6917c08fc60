"""What a network takes: time and memory by size, precision and provider, each in a process of its own."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from fststyle.errors import ModelFileError

# Runs in the child: what it prints is the answer. Peak memory is of a whole process, hence one for each size.
_CHILD = """
import json, sys
sys.path.append(sys.argv[2])
from fststyle.runtime.bench import measure_here
print(json.dumps(measure_here(*json.loads(sys.argv[1]))))
"""


@dataclass(frozen=True)
class ModelBench:
    """One network at one size.

    Attributes:
        model: Path of the file.
        precision: From its card; "?" without one.
        device: Where it really ran.
        height: In pixels.
        width: In pixels.
        milliseconds: From uint8 to uint8, median.
        megapixels_per_second: From that.
        peak_megabytes: Of the whole process, Python and onnxruntime included; None where the system, Windows, does not
            tell.
    """

    model: str
    precision: str
    device: str
    height: int
    width: int
    milliseconds: float
    megapixels_per_second: float
    peak_megabytes: float | None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def bench_model(
    path: Path, height: int, width: int, *, device: str, threads: int | None, rounds: int, layout: str = "rgb1"
) -> ModelBench:
    """Measure in a process of its own.

    Raises:
        ModelFileError: The network cannot be run, or not in the time that five minutes are, or not in this memory.
    """
    arguments = json.dumps([str(path), height, width, device, threads, rounds, layout])
    try:
        done = subprocess.run(
            # -P: whatever lies in the current folder is no module of ours.
            [sys.executable, "-P", "-c", _CHILD, arguments, str(Path(__file__).parents[2])],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(
            f"{path} does not get through {width}×{height} pixels in five minutes; try a smaller size"
        ) from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        said = last.rpartition("Error: ")[2]
        if done.returncode < 0 or not said or "MemoryError" in last:
            raise ModelFileError(
                f"{path} was killed at {width}×{height} pixels, probably for want of memory; try a smaller size"
            )
        raise ModelFileError(said)
    return ModelBench(**json.loads(done.stdout))


def measure_here(
    path: str, height: int, width: int, device: str, threads: int | None, rounds: int, layout: str
) -> dict[str, object]:
    """What the child does: once to warm up, then `rounds` times."""
    import time
    from typing import cast

    import numpy as np

    from fststyle.model.layouts import Layout
    from fststyle.runtime.fitting import Fitting
    from fststyle.runtime.network import Network

    network = Network.load(Path(path), device, cast(Layout, layout), threads)
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    fitting = Fitting(network)
    fitting(rgb, network.run)
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        fitting(rgb, network.run)
        seconds.append(time.perf_counter() - begun)
    middle = median(seconds)
    return ModelBench(
        model=path,
        precision="?" if network.model.card is None else network.model.card.precision,
        device=network.device,
        height=height,
        width=width,
        milliseconds=1e3 * middle,
        megapixels_per_second=height * width / 1e6 / middle,
        peak_megabytes=_peak_megabytes(),
    ).as_dict()


def _peak_megabytes() -> float | None:
    try:
        import resource
    except ModuleNotFoundError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e6
