"""Tables of styles in a graph, and one style out of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fststyle.errors import ModelFileError
from fststyle.graph.style_numbers import body_of, mixed, style_numbers
from fststyle.graph.style_tables import of_one_style, with_styles

Sibling = Callable[..., Path]


def test_only_what_was_a_constant_is_computed(sibling: Sibling) -> None:
    """All nodes but the products at the head are those of the body, and the default is the first style."""
    models = [onnx.load(sibling(seed, name)) for seed, name in enumerate(("one", "two", "three"))]
    made = with_styles(models)
    heads, rest = made.graph.node[: len(style_numbers(models[0]))], made.graph.node[len(style_numbers(models[0])) :]
    assert {node.op_type for node in heads} == {"MatMul"}
    assert list(rest) == list(models[0].graph.node)
    onnx.checker.check_model(made, full_check=True)
    for place, model in enumerate(models):
        again = of_one_style(made, list(np.eye(3)[place]))
        assert body_of(again) == body_of(model)
        for one, other in zip(style_numbers(again).values(), style_numbers(model).values(), strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(
        style_numbers(of_one_style(made, [0.5, 0.3, 0.2])).values(),
        style_numbers(mixed(models, [0.5, 0.3, 0.2])).values(),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert style_numbers(of_one_style(made)).keys() == style_numbers(models[0]).keys()


def test_a_network_of_one_style_stays(sibling: Sibling) -> None:
    model = onnx.load(sibling(1))
    assert of_one_style(model) is model


def test_a_table_that_does_not_fit(sibling: Sibling) -> None:
    made = with_styles([onnx.load(sibling(seed, name)) for seed, name in enumerate(("one", "two"))])
    for tensor in made.graph.initializer:
        if tensor.name == "style":
            tensor.CopyFrom(numpy_helper.from_array(np.ones(3, np.float32), "style"))
    with pytest.raises(ModelFileError, match="do not have a row for each style"):
        of_one_style(made)
