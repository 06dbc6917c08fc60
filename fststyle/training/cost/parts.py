"""Parts of painted pictures, each judged for itself: a term of the cost in training.

The style cost compares sums over a whole picture. A network can reach them with strokes along edges alone, and leave a
sky or a wall empty. So large crops are also cut into squares, and each of them is compared with the whole painting.
Gatys 2017 compares regions, too, but those that a user marks, each with a region of the painting.
"""

from torch import Tensor

SIDE = 128
"""Of a part, in pixels: large enough for the strokes of most paintings."""


def parts_along(side: int) -> int:
    """How many parts lie along the shorter side of a picture; a smaller picture than two of them has none."""
    count = side // SIDE
    return count if count > 1 else 0


def cut(features: Tensor, count: int) -> Tensor:
    """Activations by part: (B, C, H, W) -> (B · parts, C, h, h); what is left at the ends is cut off.

    Args:
        features: Of whole pictures.
        count: So many parts lie along the shorter side.
    """
    batch, channels, height, width = features.shape
    side = min(height, width) // count
    down, across = height // side, width // side
    cells = features[..., : down * side, : across * side].reshape(batch, channels, down, side, across, side)
    return cells.permute(0, 2, 4, 1, 3, 5).reshape(batch * down * across, channels, side, side)
