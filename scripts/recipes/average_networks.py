#!/usr/bin/env python
"""A network whose weights are the mean of others', of which one was trained from the other.

    python scripts/recipes/average_networks.py runs/strong.onnx:0.15,runs/mild.onnx:0.85 averaged.onnx

Networks of one descent lie so close that what lies between them paints, too: the shares go from the strength of one to
that of the other, at lower costs than the mean of theirs (docs/notebook.md). Of networks that were trained apart, with
nothing in common but their form, that is not to be expected.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from fststyle.errors import FststyleError
from fststyle.model.card import ModelCard
from fststyle.model.file import ModelFile, read_model, write_model
from fststyle.paint.blend import parse_blend


def average(files: list[ModelFile], shares: list[float]) -> tuple[onnx.ModelProto, ModelCard]:
    """The first file's graph with the mean of all files' float weights, and its card; only the shares' ratios count.

    Raises:
        FststyleError: Their weights have other names or shapes, or there is no card.
    """
    if files[0].card is None:
        raise FststyleError(f"{files[0].name} has no card; give networks of fststyle's")
    models = [onnx.load_from_string(file.data) for file in files]
    graphs = [{tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer} for model in models]
    forms = [{name: (values.shape, values.dtype) for name, values in graph.items()} for graph in graphs]
    for file, form in zip(files, forms, strict=True):
        if form != forms[0]:
            raise FststyleError(f"{file.name} has other weights than {files[0].name}; give networks of one training")
    for tensor in models[0].graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = np.average([graph[tensor.name] for graph in graphs], axis=0, weights=shares)
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    made_of = [[file.name, round(share / sum(shares), 4)] for file, share in zip(files, shares, strict=True)]
    # What the mean costs, no training has measured.
    return models[0], dataclasses.replace(
        files[0].card, recipe=files[0].card.recipe | {"average_of": made_of}, costs={}
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog=__doc__.split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("networks", help="files and shares: a.onnx:0.15,b.onnx:0.85; the card is the first one's")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    try:
        named = parse_blend(arguments.networks)
        write_model(arguments.output, *average([read_model(path) for path, _ in named], [share for _, share in named]))
    except (FststyleError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
