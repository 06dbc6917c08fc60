"""What comes out computes what torch computes, says what it is, and is kept only then."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from fststyle import __version__
from fststyle.errors import CheckpointError, FststyleError, ModelFileError
from fststyle.graph.style_numbers import same_body
from fststyle.model.file import read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.predict.new_style import body
from fststyle.training import export
from fststyle.training.checkpoint import CHECKPOINT_KEY, read_checkpoint
from fststyle.training.data.photos import ContentData
from fststyle.training.export import _recipe, compare_with_torch, export_checkpoint, export_network, in_body_of
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.networks.bases import load_base
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net

slow = partial(pytest.param, marks=pytest.mark.slow)


def save_checkpoint(folder: Path, painting: Path, network: NetworkName = "fast") -> tuple[Path, StyleTransferModule]:
    torch.manual_seed(2)
    module = StyleTransferModule(painting, name="stripes", network=network, width=0.25, style_size=64)
    with torch.no_grad():  # as after a training: not the network itself, norms that do something
        for parameter in module.averaged.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    module.costs = {"total_loss": 1.25}
    data = ContentData(painting.parent, crop=32, batch_size=2, dark=0.25)
    data.train_files = [painting, painting]
    checkpoint = {"state_dict": module.state_dict(), "global_step": 12, "ContentData": data.state_dict()}
    module.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, folder / "last.ckpt")
    return folder / "last.ckpt", module


def test_the_file_stylizes_as_torch_does(tmp_path: Path, painting: Path) -> None:
    checkpoint, module = save_checkpoint(tmp_path, painting)
    card = export_checkpoint(checkpoint, tmp_path / "stripes.onnx", licence="CC0-1.0")
    assert (card.style, card.painting, card.network, card.steps) == ("stripes", "stripes.png", "fast", 12)
    assert card.costs == {"total_loss": 1.25}
    assert card.licence == "CC0-1.0"
    assert card.loss_network == "medium"
    photos = {key: card.recipe[key] for key in ("crop", "batch_size", "dark", "photos")}
    assert photos == {"crop": 32, "batch_size": 2, "dark": 0.25, "photos": "2 photos"}
    assert "larger_from" not in card.recipe
    trained = read_checkpoint(checkpoint)
    later = replace(trained, data={**trained.data, "crop": [256, 512], "larger_from": 500})
    assert _recipe(later).items() >= {"crop": [256, 512], "larger_from": 500}.items()
    assert __version__ in card.created_by
    assert card == read_model(tmp_path / "stripes.onnx").card
    graph = onnx.load(tmp_path / "stripes.onnx").graph
    for value in (graph.input[0], graph.output[0]):
        assert [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] == [
            "batch",
            3,
            "height",
            "width",
        ]
    photo = np.random.default_rng(0).integers(0, 256, (61, 83, 3), dtype=np.uint8)
    with torch.no_grad():
        content = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
        expected = module.eval()(content)[0].permute(1, 2, 0).numpy()
    got = Stylizer.load(tmp_path / "stripes.onnx")(photo)
    assert np.abs(got.astype(float) - expected * 255).max() < 0.6
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["last.ckpt", "stripes.onnx"]


@pytest.mark.parametrize(("name", "width"), [("tiny", 1.0), slow("johnson", 0.125), slow("johnson2016", 0.125)])
def test_every_network_exports(name: NetworkName, width: float) -> None:
    net = build_transformer_net(name, width).eval()
    model = export_network(net)
    assert compare_with_torch(model, net) < 1e-5
    side = int(net.min_side)
    content = torch.rand(1, 3, side, side + 1)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        np.testing.assert_allclose(session.run(None, {"content": content.numpy()})[0], net(content), atol=1e-4)
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == 18
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    if name == "tiny":  # a small file of plain convolutions
        assert len(model.SerializeToString()) <= 300_000
        assert not {"Resize", "Einsum"} & {node.op_type for node in model.graph.node}


@pytest.mark.slow
@pytest.mark.fault("Models out", "the exported graph differs from torch", "refused, no file written", ())
def test_a_graph_that_differs_is_not_kept(tmp_path: Path, painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tampered(net: torch.nn.Module) -> onnx.ModelProto:
        model = export_network(net)
        weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * 1.1, weights.name))
        bias = next(t for t in model.graph.initializer if list(t.dims) == [12])
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 1, bias.name))
        return model

    checkpoint, _ = save_checkpoint(tmp_path, painting)
    monkeypatch.setattr(export, "export_network", tampered)
    with pytest.raises(ModelFileError, match=r"differs from torch's by .* so it was not kept"):
        export_checkpoint(checkpoint, tmp_path / "stripes.onnx")
    assert not (tmp_path / "stripes.onnx").exists()


def test_the_checkpoint_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(b"weights")
    with pytest.raises(FststyleError, match=r"would overwrite the input .*last\.ckpt; choose another output"):
        export_checkpoint(tmp_path / "last.ckpt", tmp_path / "last.ckpt")
    assert (tmp_path / "last.ckpt").read_bytes() == b"weights"


def test_checkpoints_that_are_none(tmp_path: Path, painting: Path) -> None:
    checkpoint, _ = save_checkpoint(tmp_path, painting)
    whole = checkpoint.read_bytes()
    for content in (b"", b"\x89PNG", whole[: len(whole) // 2]):
        checkpoint.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"last\.ckpt is not a readable checkpoint.*give the last\.ckpt"):
            export_checkpoint(checkpoint, tmp_path / "x.onnx")
    torch.save({"state_dict": {}}, checkpoint)
    with pytest.raises(CheckpointError, match="was not written by `fststyle train`"):
        export_checkpoint(checkpoint, tmp_path / "x.onnx")
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        export_checkpoint(tmp_path / "nowhere.ckpt", tmp_path / "x.onnx")


def test_weights_of_another_width(tmp_path: Path, painting: Path) -> None:
    checkpoint, _ = save_checkpoint(tmp_path, painting)
    content = torch.load(checkpoint, weights_only=True)
    content[CHECKPOINT_KEY]["width"] = 0.5
    torch.save(content, checkpoint)
    with pytest.raises(CheckpointError, match="does not hold the weights of a fast network; train it again"):
        export_checkpoint(checkpoint, tmp_path / "x.onnx")


def test_a_style_whose_norms_alone_were_trained_keeps_its_body() -> None:
    net = build_transformer_net("fast")
    assert load_base(net, "fast", 1.0)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.startswith("body.1.body.1"):
                parameter.add_(0.1)
    exported = export_network(net.eval())
    assert not same_body(exported, body()[0])  # folded kernels have other last digits
    kept = in_body_of("predicted", exported)
    assert same_body(kept, body()[0])
    assert compare_with_torch(kept, net) < 1e-4
    assert in_body_of("checkpoint", exported) is exported
