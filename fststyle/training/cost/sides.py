"""The eight sides that a picture can be seen from: turned by quarters, and mirrored.

A network in training learns to exploit what a small loss network does not see. Seen from another side, the same loss
network misses other things, but a picture with the painting's statistics has them from every side. So one loss network
serves as eight. VGG-19 misses little, and always looks at the upright picture.
"""

from torch import Tensor

SIDES = 8

UPRIGHT_FROM_NOTHING = 0.5
"""Fraction of a run for which a network without a warm start is judged upright only, until it has found the painting's
strokes. Measured: with all sides from the first step its cost was a third higher, with all from here on lower."""


def seen_from(images: Tensor, side: int) -> Tensor:
    """Pictures (B, C, H, W) from one of the `SIDES`; side 0 is as they are, the last four exchange height and width."""
    if side & 1:
        images = images.flip(-1)
    if side & 2:
        images = images.flip(-2)
    return images.transpose(-1, -2) if side & 4 else images
