from typing import Any

import numpy as np
import pytest
from onnx import helper

from fststyle.errors import ModelFileError
from fststyle.model.sizes import check_sizes

Assets = dict[str, Any]


def tiled(assets: Assets, times: int, sides: tuple[Any, ...]) -> Any:
    nodes = [
        helper.make_node("Tile", ["content", "times"], ["much"]),
        helper.make_node("ReduceMax", ["much"], ["top"], keepdims=0),
        helper.make_node("Add", ["content", "top"], ["stylized"]),
    ]
    return assets["picture_model"](nodes, {"times": np.array([1, times, 1, 1], np.int64)}, sides=sides)


@pytest.mark.parametrize("sides", [("batch", 3, "height", "width"), (1, 3, 64, 64)])
def test_what_grows_with_the_picture_has_a_limit(assets: Assets, sides: tuple[Any, ...]) -> None:
    most = 2**26 // (3 * 64 * 64)
    check_sizes(tiled(assets, most, sides), "x.onnx")
    with pytest.raises(ModelFileError, match=rf"^x\.onnx would make {3 * 64 * 64 * (most + 1):,} numbers of a picture"):
        check_sizes(tiled(assets, most + 1, sides), "x.onnx")


def test_a_network_for_larger_pictures_may_make_more(assets: Assets) -> None:
    most = 2**26 // (3 * 64 * 64)
    check_sizes(tiled(assets, most, (1, 3, 640, 640)), "x.onnx")


def test_what_the_file_says_between_is_not_believed(assets: Assets) -> None:
    model = tiled(assets, 9999, ("batch", 3, "height", "width"))
    model.graph.value_info.append(helper.make_tensor_value_info("much", 1, [1, 3, 64, 64]))
    with pytest.raises(ModelFileError, match="would make"):
        check_sizes(model, "x.onnx")


@pytest.mark.parametrize("said", [True, False])
def test_the_last_operator_counts_whatever_the_file_says_of_it(assets: Assets, said: bool) -> None:
    tile = helper.make_node("Tile", ["content", "times"], ["stylized"])
    model = assets["picture_model"]([tile], {"times": np.array([1, 1, 9999, 1], np.int64)})
    if said:
        model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 64
    with pytest.raises(ModelFileError, match=r"^x\.onnx would make 122,867,712 numbers of a picture"):
        check_sizes(model, "x.onnx")
