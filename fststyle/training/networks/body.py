"""The body of a network: what networks of several styles can share."""

from torch import nn

from fststyle.training.networks.strength import ConditionedNorm


def freeze_body(net: nn.Module) -> None:
    """Let only gains, shifts and the last bias learn: a style's own numbers (`graph/style_numbers.py`), in place.

    Raises:
        ValueError: The network has no instance norms.
    """
    norms = [layer for layer in net.modules() if isinstance(layer, nn.InstanceNorm2d | ConditionedNorm)]
    if not norms:
        raise ValueError("this network has no instance norms to train alone; leave out --only-norms, or use fast")
    last = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)][-1]
    net.requires_grad_(False)
    for norm in norms:
        norm.requires_grad_(True)
    if last.bias is not None:
        last.bias.requires_grad_(True)
