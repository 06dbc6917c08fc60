"""Several pictures side by side in one: samples of a training, strips for documentation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fststyle.pictures.files import resize


def middle_square(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The middle square of (H, W, 3), resized to `side` pixels."""
    height, width = picture.shape[:2]
    shorter = min(height, width)
    left, top = (width - shorter) // 2, (height - shorter) // 2
    image = Image.fromarray(picture).crop((left, top, left + shorter, top + shorter))
    return np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))


def contact_sheet(
    rows: Sequence[Sequence[NDArray[np.uint8]]],
    *,
    gap: int = 4,
    background: int = 255,
) -> NDArray[np.uint8]:
    """Lay out (H, W, 3) pictures as a grid without a border.

    A column is as wide, and a row as high, as its largest picture; smaller ones are enlarged until they touch their
    cell, keep their aspect ratio and stand in its middle. Rows may differ in length.

    Args:
        rows: The pictures, top row first.
        gap: Pixels between neighbors.
        background: Gray level of the gaps, 0..255.
    """
    if not any(rows):
        raise ValueError("a contact sheet needs at least one picture")
    heights = [max((picture.shape[0] for picture in row), default=0) for row in rows]
    columns = max(len(row) for row in rows)
    widths = [max(row[column].shape[1] for row in rows if column < len(row)) for column in range(columns)]
    sheet = np.full(
        (sum(heights) + gap * (len(heights) - 1), sum(widths) + gap * (columns - 1), 3),
        background,
        np.uint8,
    )
    top = 0
    for row, cell_height in zip(rows, heights, strict=True):
        left = 0
        for picture, cell_width in zip(row, widths, strict=False):
            fitted = _fit(picture, cell_height, cell_width)
            height, width = fitted.shape[:2]
            y = top + (cell_height - height) // 2
            x = left + (cell_width - width) // 2
            sheet[y : y + height, x : x + width] = fitted
            left += cell_width + gap
        top += cell_height + gap
    return sheet


def _fit(picture: NDArray[np.uint8], cell_height: int, cell_width: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = min(cell_height / height, cell_width / width)
    return resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))
