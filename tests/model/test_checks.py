import re
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fststyle.errors import ModelFileError
from fststyle.model.checks import check_graph

Assets = dict[str, Any]


def refused(model: onnx.ModelProto, message: str) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        check_graph(model, "x.onnx")
    assert str(caught.value).startswith("x.onnx ")


def test_a_plain_network_passes(assets: Assets) -> None:
    check_graph(assets["gain_model"](), "x.onnx")


def test_weights_that_are_listed_as_inputs_do_not_count(assets: Assets) -> None:
    model = assets["gain_model"]()
    model.graph.input.append(helper.make_tensor_value_info("gain", TensorProto.FLOAT, [1, 3, 1, 1]))
    check_graph(model, "x.onnx")


def test_a_loop_is_refused(assets: Assets) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", 9, [])],
        [helper.make_tensor_value_info("on", 9, [])],
    )
    loop = helper.make_node("Loop", ["", ""], ["stylized"], body=body)
    refused(assets["picture_model"]([loop]), "graph within its graph .Loop.; export")


def test_operators_off_the_list_are_refused(assets: Assets) -> None:
    node = helper.make_node("RandomNormalLike", ["content"], ["stylized"])
    refused(assets["picture_model"]([node]), "operator RandomNormalLike")


def test_custom_operators_are_refused(assets: Assets) -> None:
    node = helper.make_node("Relu", ["content"], ["stylized"], domain="com.example")
    refused(assets["picture_model"]([node]), "operators from com.example; export")


def test_functions_are_refused(assets: Assets) -> None:
    model = assets["gain_model"]()
    relu = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(helper.make_function("", "F", ["x"], ["y"], [relu], model.opset_import))
    refused(model, "functions of its own; export")


@pytest.mark.parametrize("where", ["initializer", "constant"])
def test_weights_elsewhere_are_refused(assets: Assets, where: str) -> None:
    tensor = TensorProto(name="gain", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    if where == "initializer":
        model = assets["gain_model"]()
        model.graph.initializer[0].CopyFrom(tensor)
    else:
        constant = helper.make_node("Constant", [], ["gain"], value=tensor)
        model = assets["picture_model"]([constant, helper.make_node("Mul", ["content", "gain"], ["stylized"])])
    refused(model, "weights in another file; save")


@pytest.mark.parametrize("sides", [(1, 1, 8, 8), (8, 3, 8, 8), (8, 8, 8, 3), (3, 8, 8)])
def test_what_is_not_a_picture_is_refused(assets: Assets, sides: tuple[int, ...]) -> None:
    relu = helper.make_node("Relu", ["content"], ["stylized"])
    refused(
        assets["picture_model"]([relu], sides=sides), f"takes float of {'×'.join(map(str, sides))}, not one picture"
    )


def test_other_numbers_of_channels_are_refused_where_sides_are_free(assets: Assets) -> None:
    relu = helper.make_node("Relu", ["content"], ["stylized"])
    for sides in ((1, 1, None, None), (1, 4, None, None), (1, None, None, 1), (None, None, None, 4)):
        shown = "×".join("?" if side is None else str(side) for side in sides)
        refused(assets["picture_model"]([relu], sides=sides), re.escape(f"takes float of {shown}, not one picture"))


def test_two_inputs_are_refused(assets: Assets) -> None:
    model = assets["gain_model"]()
    model.graph.input.append(helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 3, 8, 8]))
    refused(model, "takes 2 inputs and gives 1 outputs")


def test_another_number_type_is_refused(assets: Assets) -> None:
    model = assets["picture_model"]([helper.make_node("Relu", ["content"], ["stylized"])])
    model.graph.input[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(np.float64))
    refused(model, "takes double of")


def test_an_output_of_unknown_shape_passes(assets: Assets) -> None:
    model = assets["gain_model"]()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    check_graph(model, "x.onnx")
