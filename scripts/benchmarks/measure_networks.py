#!/usr/bin/env python
"""Time the networks through onnxruntime and print a table of ratios to Johnson's.

    python scripts/benchmarks/measure_networks.py --sizes 512x512 640x360 1920x1080
    python scripts/benchmarks/measure_networks.py udnie_int8.onnx --threads 2

Weights are random: time does not depend on them; files, from `fststyle quantize` for instance, are timed beside them.
With one thread processor time is taken, the networks in turn, so that a busy machine matters little; with several, the
clock on the wall. Pictures are float32 tensors; decoding and rounding are not part of it (`fststyle evaluate` times
both).
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime

from fststyle.model.file import INPUT_NAME
from fststyle.training.export import export_network
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net

NETWORKS: tuple[NetworkName, ...] = ("johnson", "fast", "tiny")
PICTURES = 4  # by a network in its turn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="further networks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sizes", nargs="+", default=["512x512", "640x360"], help="width x height")
    parser.add_argument("--rounds", type=int, default=3, help="how often the networks take turns")
    arguments = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    sessions: dict[str, onnxruntime.InferenceSession] = {}
    for name in NETWORKS:
        net = build_transformer_net(name).eval()
        data = export_network(net).SerializeToString()
        sessions[name] = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        parameters = sum(parameter.numel() for parameter in net.parameters())
        print(f"{name:<8} {parameters:>9,} parameters  {len(data) / 1e6:.2f} MB")
    for path in arguments.files:
        data = path.read_bytes()
        sessions[path.stem] = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        print(f"{path.stem:<8} {len(data) / 1e6:31.2f} MB")
    for size in arguments.sizes:
        width, height = (int(side) for side in size.split("x"))
        content = np.random.default_rng(0).random((1, 3, height, width), np.float32)
        seconds: dict[str, list[float]] = {name: [] for name in sessions}
        for _ in range(arguments.rounds):
            for name, session in sessions.items():
                # Several in a row, as for a folder: the last network's threads wait a while for more, and its data fill
                # the caches, so that the first picture after another network takes longer.
                for picture in range(PICTURES + 1):
                    begun = clock()
                    session.run(None, {INPUT_NAME: content})
                    if picture:
                        seconds[name].append(clock() - begun)
        medians = {name: statistics.median(each) for name, each in seconds.items()}
        print(f"\n{width}×{height}")
        for name, median in medians.items():
            print(f"{name:<8} {1e3 * median:8.1f} ms  {medians['johnson'] / median:5.1f}×  {1 / median:6.1f}/s")


if __name__ == "__main__":
    main()
