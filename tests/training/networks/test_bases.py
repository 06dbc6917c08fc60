"""What new styles start from."""

import onnx
import pytest
import torch

from fststyle.predict.new_style import body
from fststyle.training.export import compare_with_torch
from fststyle.training.networks.bases import load_base
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net


def test_the_base_is_the_body_of_predicted_styles() -> None:
    net = build_transformer_net("fast")
    assert load_base(net, "fast", 1.0)
    assert compare_with_torch(onnx.ModelProto.FromString(body()[0].SerializeToString()), net.eval()) < 1e-4


@pytest.mark.parametrize(("network", "width"), [("fast", 0.5), ("johnson2016", 1.0), ("tiny", 1.0)])
def test_others_have_none_and_stay_as_they_are(network: NetworkName, width: float) -> None:
    net = build_transformer_net(network, width)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert not load_base(net, network, width)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
