#!/usr/bin/env python
"""Where the networks' time goes, operator by operator, and how near their convolutions are to the processor's peak.

    python scripts/benchmarks/measure_graph.py
    python scripts/benchmarks/measure_graph.py --networks udnie --sizes 1920x1080 --threads 2

In one run, for float32 and int8: milliseconds from bytes to bytes of the file as it is and of the session that
`Stylizer` makes of it; the ratio to Johnson's network; the share of each operator; the share of the time outside of
convolutions; and the multiplications a second of convolutions beside those of a large matrix product. *Shared* is the
form for frames of a video whose instance-norm statistics are known already.

Networks take turns and medians count. With one thread processor time is taken, so that a busy machine matters little;
with several, the clock on the wall. Operators are timed by onnxruntime's profiler, on the wall, too, the fastest of all
runs each: their shares want a quiet machine. Multiplications by the zeros that fill blocks of pixels count.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle.graph.cpu_form import for_cpu
from fststyle.graph.early_borders import cut_borders_early
from fststyle.graph.fixed_size import at_size, static_shapes
from fststyle.graph.known_norms import KnownNorms
from fststyle.graph.late_pixels import make_pixels_late
from fststyle.graph.statistics import MEASURED_MEAN, MEASURED_VARIANCE, Statistics
from fststyle.graph.statistics_form import StatisticsForm
from fststyle.model.checks import image_ends
from fststyle.model.devices import open_session
from fststyle.model.file import ModelFile
from fststyle.runtime.convert import quantize
from fststyle.runtime.network import Network

CONVOLUTIONS = {"Conv", "FusedConv", "QLinearConv", "ConvTranspose"}

# A matrix product large enough that reading the matrices does not count.
SIDE = 1024


@dataclass(frozen=True)
class Profile:
    """One network at one size.

    Attributes:
        shares: Of the whole time, by operator, the largest first.
        outside: Of the whole time, what is not convolution.
        peak: What the convolutions would take at the processor's peak, as a share of what they take.
        speed: Of the convolutions, in thousands of millions of multiplications a second.
    """

    shares: dict[str, float]
    outside: float
    peak: float
    speed: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["udnie", "udnie_tiny"], help="files or names, float32")
    parser.add_argument("--against", default="udnie_johnson", help="file or name")
    parser.add_argument("--sizes", nargs="+", default=["512x512", "1920x1080"], help="width x height")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()

    found = np.show_config(mode="dicts") or {}
    simd = found.get("SIMD Extensions", {})
    print(f"onnxruntime {onnxruntime.__version__}, {given.threads} threads")
    print("instruction sets:", " ".join([*simd.get("baseline", []), *simd.get("found", [])]))
    peaks = {kind: peak(kind, given.threads) for kind in ("float32", "int8")}
    print(f"peak of a product of {SIDE}² matrices: " + ", ".join(f"{kind} {at:.0f} G/s" for kind, at in peaks.items()))
    with tempfile.TemporaryDirectory() as scratch:
        files = {Path(name).stem: Path(name) for name in given.networks}
        for name in given.networks:
            small = Path(scratch, f"{Path(name).stem}_int8.onnx")
            quantize(name, small)
            files[small.stem] = small
        for size in given.sizes:
            width, height = (int(side) for side in size.split("x"))
            report(files, Path(given.against), (height, width), given.threads, given.rounds, peaks)


def report(
    files: dict[str, Path], against: Path, size: tuple[int, int], threads: int, rounds: int, peaks: dict[str, float]
) -> None:
    """Print the tables of one size."""
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    networks = {name: Network.load(path, "cpu", "rgb1", threads) for name, path in files.items()}
    graphs = {name: network.model.data for name, network in networks.items()}
    shared = {name: with_known_norms(network, rgb) for name, network in networks.items()}
    yardstick = Network.load(against, "cpu", "rgb1", threads)
    runs: dict[str, Callable[[], object]] = {"": partial(yardstick.run, rgb)}
    for name, network in networks.items():
        plain = Network(network.model, open_session(network.model.data, threads=threads), "cpu", "rgb1", threads)
        runs[f"{name} as it is"] = partial(plain.run, rgb)
        runs[name] = partial(network.run, rgb)
        runs[f"{name}, shared"] = partial(network.paint, network.open(shared[name]), rgb, {})
    times = in_turns(runs, rounds, time.thread_time if threads == 1 else time.perf_counter)
    johnson = times.pop("")
    print(f"\n### {size[1]}×{size[0]}, {against.stem} {1e3 * johnson:.1f} ms\n")
    print(
        "| network | file as it is, ms | ms | as fast as Johnson's | outside of convolutions | convolutions, of peak |"
    )
    print("|---|---|---|---|---|---|")
    graphs |= {f"{name}, shared": data for name, data in shared.items()}
    profiles = {
        name: profile(networks[name.partition(",")[0]].model, data, rgb, threads, rounds, peaks)
        for name, data in graphs.items()
    }
    for name, found in profiles.items():
        as_it_is, own = times.get(f"{name} as it is"), times[name]
        file = "" if as_it_is is None else f"{1e3 * as_it_is:.1f}"
        print(f"| {name} | {file} | {1e3 * own:.1f} | {johnson / own:.1f} × ", end="")
        print(f"| {found.outside:.0%} | {found.peak:.0%} ({found.speed:.0f} G/s) |")
    for name, found in profiles.items():
        print(f"\n{name}: " + ", ".join(f"{kind} {share:.1%}" for kind, share in found.shares.items() if share > 5e-3))


def with_known_norms(network: Network, rgb: NDArray[np.uint8]) -> bytes:
    """The network's graph without norms, for the statistics of this picture."""
    form = StatisticsForm.read(network.model.data)
    measuring = network.open(form.build(measured=form.every, picture=False))
    norms = KnownNorms(form)
    return norms.filled(norms.data, Statistics(*network.ask(measuring, rgb, {}, [MEASURED_MEAN, MEASURED_VARIANCE])))


def in_turns(runs: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """The median time of each, in seconds."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, run in runs.items():
            run()  # another network's data fill the caches
            begun = clock()
            run()
            seconds[name].append(clock() - begun)
    return {name: statistics.median(each) for name, each in seconds.items()}


def profile(
    model: ModelFile, graph: bytes, rgb: NDArray[np.uint8], threads: int, rounds: int, peaks: dict[str, float]
) -> Profile:
    """What onnxruntime's profiler says of a session of the network, or of a graph derived from it."""
    with tempfile.TemporaryDirectory() as scratch:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_profiling = True
        options.log_severity_level = 4
        options.profile_file_prefix = str(Path(scratch, "profile"))
        data = for_cpu(graph, model.input_name, model.output_name)
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        for _ in range(3 * rounds):
            session.run(None, {model.input_name: rgb[None]})
        events = json.loads(Path(session.end_profiling()).read_text())
    fastest: dict[str, dict[str, Any]] = {}
    for event in events:
        name = event["name"]
        if name.endswith("_kernel_time"):
            fastest[name] = min(event, fastest.get(name, event), key=lambda one: one["dur"])
    microseconds: dict[str, float] = defaultdict(float)
    for event in fastest.values():
        microseconds[event["args"]["op_name"]] += event["dur"]
    whole = sum(microseconds.values())
    inside = sum(spent for kind, spent in microseconds.items() if kind in CONVOLUTIONS)
    done = multiplications(graph, rgb.shape[0], rgb.shape[1])
    ideal = sum(made / peaks[kind] for kind, made in done.items())
    ordered = sorted(microseconds.items(), key=lambda item: -item[1])
    shares = {kind: spent / whole for kind, spent in ordered}
    return Profile(shares, 1 - inside / whole, ideal / 1e3 / inside, sum(done.values()) / 1e3 / inside)


def multiplications(data: bytes, height: int, width: int) -> dict[str, float]:
    """Of a picture's convolutions as sessions run them, by what they multiply."""
    model = onnx.ModelProto.FromString(data)
    make_pixels_late(model)
    (content,), (stylized,) = image_ends(model.graph)
    cut_borders_early(model, content.name, stylized.name)
    sized = at_size(model, height, width, set())
    shapes = static_shapes(sized)
    floats = {tensor.name for tensor in sized.graph.initializer}
    done = {"float32": 0.0, "int8": 0.0}
    for node in sized.graph.node:
        if node.op_type == "Conv":
            kind = "float32" if node.input[1] in floats else "int8"
            done[kind] += math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    return done


def peak(kind: str, threads: int) -> float:
    """Thousands of millions of multiplications a second that a large matrix product does, the best of ten."""
    random = np.random.default_rng(0)
    if kind == "float32":
        element, weight, node = TensorProto.FLOAT, TensorProto.FLOAT, helper.make_node("MatMul", ["a", "b"], ["c"])
        left, right = random.random((2, SIDE, SIDE), np.float32)
        gives = TensorProto.FLOAT
    else:
        element, weight, node = (
            TensorProto.UINT8,
            TensorProto.INT8,
            helper.make_node("MatMulInteger", ["a", "b"], ["c"]),
        )
        left = random.integers(0, 256, (SIDE, SIDE), np.uint8)
        right = random.integers(-64, 65, (SIDE, SIDE), np.int8)
        gives = TensorProto.INT32
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("a", element, [SIDE, SIDE])],
        [helper.make_tensor_value_info("c", gives, [SIDE, SIDE])],
        [helper.make_tensor("b", weight, [SIDE, SIDE], right.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = open_session(model.SerializeToString(), threads=threads)
    clock = time.thread_time if threads == 1 else time.perf_counter
    best = np.inf
    for _ in range(10):
        begun = clock()
        session.run(None, {"a": left})
        best = min(best, clock() - begun)
    return SIDE**3 / best / 1e9


if __name__ == "__main__":
    main()
