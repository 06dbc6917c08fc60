"""The weights of an exported network, as torch has them."""

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from fststyle.training.networks.layers import FoldedUpsample
from fststyle.training.networks.strength import plain_state


def state_in(net: nn.Module, graph: onnx.GraphProto) -> dict[str, Tensor]:
    """The state that a network like `net` had when it was exported, at full strength."""
    state = plain_state({tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer})
    for name, module in net.named_modules():
        if isinstance(module, FoldedUpsample) and f"{name}.weight" in state:
            state[f"{name}.conv.weight"] = module.unfolded(state[f"{name}.weight"])
            if f"{name}.bias" in state:
                state[f"{name}.conv.bias"] = state[f"{name}.bias"][::4]
    return {name: state[name] for name in net.state_dict() if name in state}
