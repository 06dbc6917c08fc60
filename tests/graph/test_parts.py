from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fststyle.errors import ModelFileError
from fststyle.graph.half_parts import in_halves
from fststyle.graph.parts import Part, Parts

Floats = NDArray[Any]
MODELS = Path(__file__).parents[2] / "models"


def spans(length: int, core: int, align: int) -> list[tuple[int, int]]:
    each = -(-length // (-(-length // core) * align)) * align
    return [(start, min(start + each, length)) for start in range(0, length, each)]


def paint(data: bytes, content: Floats, core: int) -> Floats:
    """As the page does it: part by part, tile by tile, statistics between."""
    cut = Parts.read(data)
    channels = sum(part.channels for part in cut.parts)
    mean, variance, known = np.zeros(channels, np.float32), np.ones(channels, np.float32), 0
    held: dict[str, Floats] = {}
    for part in cut.parts:
        made = run_tiles(part, cut, held, {"mean": mean, "variance": variance}, content, core)
        held = {name: tensor for name, tensor in held.items() if name not in made} | made
        if part.source is not None:
            where = slice(known, known + part.channels)
            mean[where] = held[part.source].mean((0, 2, 3), np.float64)
            variance[where] = held[part.source].var((0, 2, 3), np.float64)
            known += part.channels
    return held[cut.parts[-1].gives[0]]


def run_tiles(
    part: Part, cut: Parts, held: dict[str, Floats], given: dict[str, Floats], content: Floats, core: int
) -> dict[str, Floats]:
    session = onnxruntime.InferenceSession(part.data)
    names = [value.name for value in session.get_inputs()]
    sides = content.shape[2:]
    made: dict[str, Floats] = {}
    grid = [(row, column) for row in spans(sides[0], core, cut.align) for column in spans(sides[1], core, cut.align)]
    for tile in reversed(grid):  # the last one tells how large the tensors are
        seen = [
            (max(0, start - part.halo), min(side, end + part.halo))
            for (start, end), side in zip(tile, sides, strict=True)
        ]

        def positions(name: str, spans: Any, whole: tuple[int, ...]) -> tuple[slice, slice]:
            rows, columns = (
                slice(start // stride, length if end == side else end // stride)
                for (start, end), stride, length, side in zip(spans, cut.strides[name], whole, sides, strict=True)
            )
            return rows, columns

        feeds = {name: given[name] for name in names if name in given}
        for name in part.takes:
            tensor = held.get(name, content)
            rows, columns = positions(name, seen, tensor.shape[2:])
            feeds[name] = tensor[:, :, rows, columns]
        for name, answer in zip(part.gives, session.run(list(part.gives), feeds), strict=True):
            offset = [start // stride for (start, _), stride in zip(seen, cut.strides[name], strict=True)]
            if name not in made:
                shape = [begun + side for begun, side in zip(offset, answer.shape[2:], strict=True)]
                made[name] = np.full((1, answer.shape[1], *shape), np.nan, answer.dtype)
            rows, columns = positions(name, tile, made[name].shape[2:])
            made[name][:, :, rows, columns] = answer[
                :,
                :,
                rows.start - offset[0] : rows.stop - offset[0],
                columns.start - offset[1] : columns.stop - offset[1],
            ]
    return made


@pytest.mark.parametrize(("name", "size"), [("udnie_tiny", (150, 217)), ("starry_night", (97, 131))])
def test_parts_over_tiles_paint_what_the_network_paints(name: str, size: tuple[int, int]) -> None:
    data = (MODELS / f"{name}.onnx").read_bytes()
    blocks = np.random.default_rng(0).random((1, 3, *(side // 9 + 1 for side in size)), np.float32)
    content = blocks.repeat(9, 2).repeat(9, 3)[:, :, : size[0], : size[1]]
    (whole,) = onnxruntime.InferenceSession(data).run(None, {"content": content})
    np.testing.assert_allclose(paint(data, content, 64), whole, atol=2e-3)


def test_a_part_carries_the_weights_that_it_needs_and_no_others() -> None:
    data = (MODELS / "udnie_tiny.onnx").read_bytes()
    cut = Parts.read(data)
    assert sum(len(part.data) for part in cut.parts) < 1.1 * len(data)
    assert [part.channels for part in cut.parts] == [16, 32, 32, 32, 32, 32, 16, 0]
    assert cut.align == 8
    assert cut.held == 16.0


def test_a_tile_needs_what_its_own_part_sees() -> None:
    cut = Parts.read((MODELS / "udnie_tiny.onnx").read_bytes(), stored=True)
    reached = [(part.before, part.after) for part in cut.parts]
    assert reached == [(24, 0), (8, 0), *[(8, 8)] * 5, (0, 32)]
    assert [part.halo for part in cut.parts] == [24, 8, *[8] * 5, 32]


def test_parts_may_hand_on_halves_and_measure_whole_numbers() -> None:
    cut = Parts.read((MODELS / "starry_night.onnx").read_bytes(), stored=True)
    halved = in_halves(cut, "content")
    for part in halved.parts[:-1]:
        graph = onnx.ModelProto.FromString(part.data).graph
        types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
        handed = {types[name] for name in (*part.takes, *part.gives) if name != "content"}
        assert handed == {TensorProto.FLOAT16}
        assert part.source not in part.gives
        assert types[part.source] == TensorProto.FLOAT
        assert halved.strides[part.source] == (4, 4) or part is halved.parts[-2]
    assert halved.parts[-1].gives == cut.parts[-1].gives
    held = {name for part in cut.parts[:-1] for name in part.gives}
    assert all(halved.sizes[name] == cut.sizes[name] / 2 for name in held)


def test_a_network_without_norms_is_one_part(identity: Path) -> None:
    (part,) = Parts.read(identity.read_bytes()).parts
    assert (part.takes, part.gives, part.source, part.halo) == (("content",), ("stylized",), None, 0)


def test_a_network_that_looks_at_the_whole_picture_is_not_cut(assets: dict[str, Any]) -> None:
    mean = helper.make_node("GlobalAveragePool", ["content"], ["mean"])
    model = assets["picture_model"]([mean, helper.make_node("Mul", ["content", "mean"], ["stylized"])])
    with pytest.raises(ModelFileError, match="cannot be painted in tiles"):
        Parts.read(model.SerializeToString())
