"""Where a new style starts if nothing else is asked for."""

from torch import nn

from fststyle.predict.new_style import body
from fststyle.training.networks.exported import state_in

STAND_INS = {"johnson": "udnie_johnson"}
"""Of networks without a base, the one in the gallery, of a single style, that new styles start from. Measured on
Pastorales tahitiennes after 3.5 minutes: total 1.05; from a network of The Starry Night of six minutes, 1.81."""


def load_base(net: nn.Module, network: str, width: float) -> bool:
    """Give a network the weights of the body that predicted styles share, with the numbers in the middle of them all.

    Returns:
        Whether there is one of this architecture and width; else the network stays as it is.
    """
    graph, card = body()
    if (network, width) != (card.network, card.width):
        return False
    net.load_state_dict(state_in(net, graph.graph))
    return True
