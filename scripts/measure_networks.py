#!/usr/bin/env python
"""Time the networks through onnxruntime, one thread, and print a table of ratios to Johnson's.

    python scripts/measure_networks.py --sizes 512x512 640x360 1920x1080

Weights are random: time does not depend on them. Processor time is taken, the networks in turn, so that a busy machine
matters little. Pictures are float32 tensors; decoding and rounding are not part of it (`fststyle evaluate` times both).
"""

import argparse
import statistics
import time

import numpy as np
import onnxruntime

from fststyle.model_file import INPUT_NAME
from fststyle.training.export import export_network
from fststyle.training.transformer_net import NetworkName, build_transformer_net

NETWORKS: tuple[NetworkName, ...] = ("johnson", "fast", "tiny")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["512x512", "640x360"], help="width x height")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = {}
    for name in NETWORKS:
        net = build_transformer_net(name).eval()
        data = export_network(net).SerializeToString()
        sessions[name] = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        parameters = sum(parameter.numel() for parameter in net.parameters())
        print(f"{name:<8} {parameters:>9,} parameters  {len(data) / 1e6:.2f} MB")
    for size in arguments.sizes:
        width, height = (int(side) for side in size.split("x"))
        content = np.random.default_rng(0).random((1, 3, height, width), np.float32)
        seconds: dict[str, list[float]] = {name: [] for name in sessions}
        for turn in range(arguments.rounds + 1):
            for name, session in sessions.items():
                begun = time.process_time()
                session.run(None, {INPUT_NAME: content})
                if turn:  # the first run fills caches
                    seconds[name].append(time.process_time() - begun)
        medians = {name: statistics.median(each) for name, each in seconds.items()}
        print(f"\n{width}×{height}")
        for name, median in medians.items():
            print(f"{name:<8} {1e3 * median:8.1f} ms  {medians['johnson'] / median:5.1f}×  {1 / median:6.1f}/s")


if __name__ == "__main__":
    main()
