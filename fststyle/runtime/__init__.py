"""A network that onnxruntime runs, whole or in tiles."""
