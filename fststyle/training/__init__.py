"""The training wing: the only folder that imports torch, torchvision, Lightning and ONNX's exporter."""
