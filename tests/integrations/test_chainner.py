"""What chaiNNer finds out about a network when it loads one, as its source has it at commit 874b878.

backend/src/nodes/impl/onnx/utils.py fixes the input's sides, keeps the output's names, and lets ONNX infer the rest.
chaiNNer itself is not run.
"""

from pathlib import Path

import onnx
import pytest

from fststyle import export_form, networks


def infer_shape(model: onnx.ModelProto, side: int) -> tuple[int | str, ...]:
    """Sides of the output for a square picture; `ModelShapeInference.infer_shape`."""
    (content,), (stylized,) = model.graph.input, model.graph.output
    names = [dim.dim_param or dim.dim_value for dim in stylized.type.tensor_type.shape.dim]
    updated = onnx.ModelProto()
    updated.CopyFrom(model)
    for value, sides in ((updated.graph.input[0], [1, 3, side, side]), (updated.graph.output[0], names)):
        for dim, wanted in zip(value.type.tensor_type.shape.dim, sides, strict=True):
            if isinstance(wanted, int):
                dim.dim_value = wanted
            else:
                dim.dim_param = wanted
    inferred = onnx.shape_inference.infer_shapes(updated, strict_mode=True)
    assert content.name == "content"
    return tuple(dim.dim_param or dim.dim_value for dim in inferred.graph.output[0].type.tensor_type.shape.dim)


@pytest.mark.parametrize("name", ["udnie", "udnie_tiny", "udnie_johnson"])
def test_it_sees_a_network_that_keeps_the_size(name: str, tmp_path: Path) -> None:
    """Of free sides it learns the input's names, and takes no scale from them; of fixed ones that the scale is 1."""
    model = onnx.load(networks()[name])
    assert len(model.graph.input) == len(model.graph.output) == 1
    assert [infer_shape(model, side)[2:] for side in (16, 64, 256)] == [("height", "width")] * 3
    export_form(name, tmp_path / "fixed.onnx", size=(64, 64))
    assert infer_shape(onnx.load(tmp_path / "fixed.onnx"), 64) == (1, 3, 64, 64)
