"""ONNX graphs rewritten: statistics as inputs, precision, pixels in and out."""
