"""ONNX files: what is read from them, checked in them, and which ship."""
