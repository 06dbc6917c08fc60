"""Make a copy of a network for one picture size, which OpenCV 4 can read. OpenCV 5 reads networks as they are.

python examples/opencv4_fixed_size.py models/starry_night.onnx 640x360 starry_night_640x360.onnx
"""

import sys

import onnx
import onnxruntime


def main(model: str, size: str, output: str) -> None:
    width, height = map(int, size.split("x"))
    graph = onnx.load(model)
    for side, pixels in zip(graph.graph.input[0].type.tensor_type.shape.dim, (1, 3, height, width), strict=True):
        side.dim_value = pixels
    options = onnxruntime.SessionOptions()
    # With a known size, everything that is computed from it becomes a constant.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = output
    onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
