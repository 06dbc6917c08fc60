"""From a checkpoint to one ONNX file that runs anywhere, compared with torch before it is kept."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from fststyle.errors import CheckpointError, ModelFileError
from fststyle.graph.style_numbers import style_numbers, with_numbers
from fststyle.model.card import ModelCard
from fststyle.model.devices import open_session
from fststyle.model.file import INPUT_NAME, OPSET, OUTPUT_NAME, STRENGTH_NAME, read_model, write_model
from fststyle.model.gallery import networks
from fststyle.predict.new_style import body
from fststyle.system.file_kinds import Kind
from fststyle.system.files import refuse_inputs, refuse_other_kind
from fststyle.training.checkpoint import Checkpoint, read_checkpoint
from fststyle.training.networks.layers import frozen
from fststyle.training.networks.strength import StrengthNet
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net

# Traced with a batch of 2 and unequal sides: a 1, or two equal numbers, would be frozen into the graph.
_TRACED = (2, 3, 96, 128)

# Batch, height, width: sizes it was not traced at, odd ones among them.
_PARITY_SIZES = ((1, 64, 64), (1, 97, 131), (3, 50, 75), (2, 128, 49))

# On a range of 0..1; a 255th is 4e-3, and float32 sums in another order differ by about 1e-6.
_PARITY_TOLERANCE = 1e-4


def export_checkpoint(checkpoint: Path | str, output: Path | str, *, licence: str | None = None) -> ModelCard:
    """Write the averaged network of a checkpoint as ONNX.

    Args:
        checkpoint: From `fststyle train`.
        output: The file to write, replaced only when the new one is whole and equal to torch.
        licence: Under which the network may be used, as it shall stand in the file.

    Returns:
        What stands in the file about itself.

    Raises:
        CheckpointError: If the checkpoint is broken or not ours.
        ModelFileError: If the exported graph does not compute what torch computes, or cannot be written.
        FststyleError: If the output is the checkpoint.
    """
    checkpoint, output = Path(checkpoint), Path(output)
    refuse_inputs(output, checkpoint)
    refuse_other_kind(output, Kind.NETWORK, ModelFileError)
    trained = read_checkpoint(checkpoint)
    net = build_transformer_net(cast(NetworkName, trained.network), trained.width)
    net = (StrengthNet(net) if trained.strength else net).eval()
    try:
        net.load_state_dict(dict(trained.state))
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint.name} does not hold the weights of a {trained.network} network; train it again"
        ) from error
    model = export_network(net)
    if trained.recipe.get("only_norms"):
        model = in_body_of(str(trained.recipe["init"]), model)
    compare_with_torch(model, net)
    card = ModelCard(
        style=trained.name,
        painting=trained.painting,
        network=trained.network,
        width=trained.width,
        loss_network=str(trained.recipe["loss_network"]),
        recipe=_recipe(trained),
        steps=trained.steps,
        costs=dict(trained.costs),
        licence=licence or "unspecified",
        min_side=int(cast(int, net.min_side)),
    )
    return write_model(output, model, card)


def in_body_of(init: str, model: onnx.ModelProto) -> onnx.ModelProto:
    """The network whose norms alone were trained, in the very body that it began with.

    Folded kernels come back from torch with other last digits, and `same_body` would take them for another body. If the
    start is not at hand any more, the network stays as it is.

    Args:
        init: What the training began with, as `warm_start` says it.
        model: The exported network.
    """
    if init in ("predicted", "base"):
        shared, _ = body()
    elif (path := networks().get(init.removesuffix(".onnx"))) is not None:
        shared = onnx.load_model_from_string(read_model(path).data)
    else:
        return model
    try:
        return with_numbers(shared, style_numbers(model))
    except (ModelFileError, ValueError):  # an input for the strength, or another width
        return model


def export_network(net: nn.Module) -> onnx.ModelProto:
    """The graph of a network with free batch, height and width; float32 (B, 3, H, W) in [0, 1] in and out.

    A `StrengthNet`'s has a second input, which need not be given: it is 1 then.

    Raises:
        ModelFileError: If the exporter chose another opset than the contract's.
    """
    batch, height, width = (torch.export.Dim(name) for name in ("batch", "height", "width"))
    told = isinstance(net, StrengthNet)
    arguments: tuple[torch.Tensor, ...] = (torch.rand(_TRACED),)
    names = [INPUT_NAME]
    shapes: tuple[dict[int, torch.export.Dim], ...] = ({0: batch, 2: height, 3: width},)
    if told:
        arguments, names, shapes = (*arguments, torch.ones(1)), [*names, STRENGTH_NAME], (*shapes, {})
    model = traced(frozen(net), arguments, names, [OUTPUT_NAME], shapes)
    if told:  # an input with an initial value is an input with a default
        model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), STRENGTH_NAME))
    return model


def traced(
    net: nn.Module,
    arguments: tuple[torch.Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: tuple[dict[int, torch.export.Dim], ...],
) -> onnx.ModelProto:
    """The graph of a module in the contract's opset, without the exporter's notes.

    Args:
        net: The module.
        arguments: What it is traced with; unequal sides, or a free one would be frozen.
        inputs: Their names.
        outputs: Names of what it gives.
        shapes: Of each argument, the dimensions that stay free.

    Raises:
        ModelFileError: If the exporter gave nothing, or chose another opset.
    """
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        # The exporter's own deprecations, nothing that a user could mend.
        with warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                net,
                arguments,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=shapes,
                verbose=False,
            )
    finally:
        exporter_log.setLevel(level)
    if program is None:
        raise ModelFileError("torch's ONNX exporter returned nothing; install the torch that this fststyle asks for")
    model: onnx.ModelProto = program.model_proto
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if opsets.get("ai.onnx") != OPSET:
        raise ModelFileError(f"torch exported opset {opsets}, not {OPSET}; upgrade torch and onnxscript")
    _strip_traces(model)
    return model


def compare_with_torch(model: onnx.ModelProto, net: nn.Module) -> float:
    """Largest difference between onnxruntime's and torch's pictures over four sizes, noise in, on a range of 0..1.

    A `StrengthNet` paints them at its default and at three strengths.

    Raises:
        ModelFileError: If it is more than rounding.
    """
    session = open_session(model.SerializeToString())
    worst = 0.0
    strengths = (None, 0.0, 0.3, 1.0) if isinstance(net, StrengthNet) else (None,) * len(_PARITY_SIZES)
    for (batch, height, width), strength in zip(_PARITY_SIZES, strengths, strict=True):
        told = {} if strength is None else {STRENGTH_NAME: np.full(1, strength, np.float32)}
        content = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(height))
        with torch.no_grad():
            expected = net(content, *(torch.from_numpy(value) for value in told.values())).numpy()
        (got,) = session.run([OUTPUT_NAME], {INPUT_NAME: content.numpy(), **told})
        difference = float(np.abs(got - expected).max()) if got.shape == expected.shape else float("inf")
        if not difference <= _PARITY_TOLERANCE:
            raise ModelFileError(
                f"the exported network differs from torch's by {difference:.1e} at {height}×{width}, so it was not "
                "kept; report this with your versions of torch, onnx and onnxruntime"
            )
        worst = max(worst, difference)
    return worst


def _recipe(trained: Checkpoint) -> dict[str, Any]:
    """What the module was told, and of the photos what a checkpoint knows; those of earlier versions know less."""
    recipe = dict(trained.recipe)
    recipe |= {key: trained.data[key] for key in ("crop", "batch_size", "dark") if key in trained.data}
    if trained.data.get("larger_from"):
        recipe["larger_from"] = trained.data["larger_from"]
    if count := trained.data.get("photo_count"):
        recipe["photos"] = "one photo" if count == 1 else f"{count} photos"
    return recipe


def _strip_traces(model: onnx.ModelProto) -> None:
    """Remove the source paths of this machine and other bulk that the exporter notes on every node."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
