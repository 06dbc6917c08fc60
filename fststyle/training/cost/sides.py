"""The eight sides from which a picture can be looked at: upright, turned by quarters, and all of that mirrored.

A network that is trained against a small loss network learns what that does not see. Turned, the small one sees and
overlooks other things in the same picture, while a picture with a painting's statistics has them from every side. So
it is eight judges for the price of one. The whole VGG-19 overlooks little, and is asked upright.
"""

from torch import Tensor

SIDES = 8

UPRIGHT_FROM_NOTHING = 0.5
"""For which part of its training a network that begins from nothing is looked at upright: it has to find the painting's
strokes first. With all sides from the first step it was a third worse, with all from here on better."""


def seen_from(images: Tensor, side: int) -> Tensor:
    """Pictures (B, C, H, W) from one of the `SIDES`; side 0 is as they are, the last four exchange height and width."""
    if side & 1:
        images = images.flip(-1)
    if side & 2:
        images = images.flip(-2)
    return images.transpose(-1, -2) if side & 4 else images
