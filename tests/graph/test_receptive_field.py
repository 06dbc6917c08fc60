from fractions import Fraction
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from fststyle.errors import ModelFileError
from fststyle.graph.graph import Graph
from fststyle.graph.norms import find_norms
from fststyle.graph.receptive_field import Field, alignment, reach, receptive_fields

Assets = dict[str, Any]
SIDE = 48


def node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(" "), [output], **attributes)


WEIGHTS: dict[str, Any] = {
    "three": np.ones((3, 3, 3, 3), np.float32),
    "nine": np.ones((3, 3, 9, 9), np.float32),
    "four": np.ones((3, 3, 4, 4), np.float32),
    "pads": np.array([0, 0, 4, 4, 0, 0, 4, 4]),
    "twice": np.array([1, 1, 2, 2], np.float32),
    "starts": np.array([4, 4]),
    "ends": np.array([-4, -4]),
    "axes": np.array([2, 3]),
    "one": np.array(1, np.float32),
    "deep": np.ones((12, 3, 3, 3), np.float32),
}

NETWORKS: dict[str, list[Any]] = {
    "convolution": [node("Conv", "content three", "stylized", pads=[1, 1, 1, 1])],
    "dilated": [node("Conv", "content three", "stylized", pads=[3, 3, 3, 3], dilations=[3, 3])],
    "lopsided": [node("Conv", "content three", "stylized", pads=[0, 0, 2, 2])],
    "same": [node("Conv", "content four", "stylized", auto_pad="SAME_UPPER")],
    "mirrored and cut off again": [
        node("Pad", "content pads", "wide", mode="reflect"),
        node("Conv", "wide three", "a", pads=[1, 1, 1, 1]),
        node("Slice", "a starts ends axes", "stylized"),
    ],
    "down and nearest up": [
        node("Conv", "content three", "a", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "a", "b"),
        node("Resize", "b  twice", "c", mode="nearest"),
        node("Conv", "c three", "stylized", pads=[1, 1, 1, 1]),
    ],
    "bilinear up": [
        node("AveragePool", "content", "a", kernel_shape=[2, 2], strides=[2, 2]),
        node("Resize", "a  twice", "stylized", mode="linear"),
    ],
    "transposed": [
        node("Conv", "content nine", "a", pads=[4, 4, 4, 4], strides=[2, 2]),
        node("ConvTranspose", "a four", "stylized", pads=[1, 1, 1, 1], strides=[2, 2]),
    ],
    "shuffled": [
        node("Conv", "content deep", "a", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("DepthToSpace", "a", "stylized", blocksize=2),
    ],
    "a skip": [
        node("Conv", "content nine", "a", pads=[4, 4, 4, 4]),
        node("Conv", "content three", "b", pads=[1, 1, 1, 1]),
        node("Add", "a b", "c"),
        node("Add", "c one", "stylized"),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_pixel_outside_of_the_field_counts(assets: Assets, name: str) -> None:
    data = assets["picture_model"](NETWORKS[name], WEIGHTS).SerializeToString()
    graph = Graph.read(data)
    fields = receptive_fields(graph, ())
    field = fields["stylized"][0]
    assert field.stride == 1
    assert fields["stylized"][0] == fields["stylized"][1]
    session = onnxruntime.InferenceSession(data)
    plain = session.run(None, {"content": np.zeros((1, 3, SIDE, SIDE), np.float32)})[0]
    seen: dict[int, list[int]] = {}
    # Every weight is positive: a pixel that counts cannot be missed.
    for pixel in range(SIDE):
        content = np.zeros((1, 3, SIDE, SIDE), np.float32)
        content[:, :, pixel] = 1
        changed = np.flatnonzero((session.run(None, {"content": content})[0] != plain).any((0, 1, 3)))
        for position in changed:
            seen.setdefault(int(position), []).append(pixel)
    inside = range(16, 32)  # where no border is in sight
    for position in inside:
        assert position + field.low <= min(seen[position])
        assert max(seen[position]) <= position + field.high
    # And it is not much wider than it must be: enlarging counts a neighbor too many.
    widest = max(max(seen[position]) - min(seen[position]) for position in inside)
    assert field.high - field.low <= widest + 8


def test_known_fields(assets: Assets) -> None:
    graph = Graph.read(assets["picture_model"](NETWORKS["down and nearest up"], WEIGHTS).SerializeToString())
    fields = receptive_fields(graph, ())
    assert fields["a"][0] == Field(Fraction(2), Fraction(-1), Fraction(1))
    assert alignment(fields) == 2


def test_a_norm_is_local_once_its_statistics_are_given(assets: Assets) -> None:
    nodes = [
        node("ReduceMean", "content axes", "mean"),
        node("Sub", "content mean", "minus"),
        node("Mul", "minus minus", "squares"),
        node("ReduceMean", "squares axes", "variance"),
        node("Div", "minus variance", "stylized"),
    ]
    graph = Graph.read(assets["picture_model"](nodes, WEIGHTS).SerializeToString())
    assert receptive_fields(graph, find_norms(graph))["stylized"] == (Field(), Field())
    with pytest.raises(ModelFileError, match="painted in tiles because of its ReduceMean"):
        receptive_fields(graph, ())


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("GlobalAveragePool", "content", "a"), node("Add", "content a", "stylized")], "its GlobalAveragePool"),
        ([node("Transpose", "content", "stylized", perm=[0, 1, 3, 2])], "its Transpose"),
        ([node("Conv", "content three", "stylized", auto_pad="SAME_UPPER", strides=[4, 4])], "its Conv"),
        ([node("Conv", "content three", "stylized", strides=[2, 2])], "another size than the photo"),
        ([node("Concat", "content content", "stylized", axis=2)], "its Concat"),
        (
            [node("Conv", "content three", "a", strides=[2, 2], name="shrink"), node("Add", "content a", "stylized")],
            "its Add",
        ),
    ],
)
def test_what_cannot_be_painted_in_tiles(assets: Assets, nodes: list[Any], message: str) -> None:
    graph = Graph.read(assets["picture_model"](nodes, WEIGHTS).SerializeToString())
    with pytest.raises(ModelFileError, match=message):
        receptive_fields(graph, ())


@pytest.mark.parametrize(
    ("network", "source", "expected"),
    [
        ("convolution", "content", (1, 1)),
        ("lopsided", "content", (0, 2)),
        ("mirrored and cut off again", "wide", (0, 5)),
        ("down and nearest up", "b", (3, 4)),
        ("shuffled", "a", (1, 1)),
        ("a skip", "content", (4, 4)),
        ("a skip", "b", (0, 0)),
    ],
)
def test_what_a_tensor_is_made_of_reaches_no_farther_than_the_way_to_it(
    assets: Assets, network: str, source: str, expected: tuple[int, int]
) -> None:
    model = assets["picture_model"](NETWORKS[network], WEIGHTS)
    graph = Graph.read(model.SerializeToString())
    fields = receptive_fields(graph, find_norms(graph))
    assert reach(graph, graph.nodes, fields, source, "stylized") == expected
    assert reach(graph, [], fields, source, "stylized") == (0, 0)
