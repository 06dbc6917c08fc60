"""Variants of a painting: other sizes, parts, colors and contrasts, each a style of its own to learn from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle.pictures.files import read_picture, resize_shorter_side

Pixels = NDArray[np.uint8]

_SIDES = (192, 480)
"""Shorter sides in pixels at which a painting is looked at, drawn evenly on a logarithmic scale."""

# How much a painting may be enlarged for it: what is blurred teaches blurred strokes.
_LARGEST_ENLARGEMENT = 1.15

# Of the part that is looked at, in pixels: statistics of more are hardly other ones, and take longer.
_MOST_PIXELS = 110_000

_SIDES_AS_IT_IS = 320


def draw_variants(painting: Path, count: int, seed: int) -> list[Pixels]:
    """The painting as it is, and `count - 1` variants of it, (H, W, 3) uint8; a function of file and seed.

    Raises:
        ImageError: If it cannot be read.
    """
    rgb = read_picture(painting).rgb
    generator = np.random.default_rng([seed, *painting.name.encode()])
    as_it_is = _part(resize_shorter_side(rgb, _SIDES_AS_IT_IS), generator)
    return [as_it_is, *(_variant(rgb, generator) for _ in range(count - 1))]


def _variant(rgb: Pixels, generator: np.random.Generator) -> Pixels:
    largest = min(_SIDES[1], int(_LARGEST_ENLARGEMENT * min(rgb.shape[:2])))
    side = round(float(np.exp(generator.uniform(np.log(_SIDES[0]), np.log(max(largest, _SIDES[0] + 1))))))
    seen = _part(resize_shorter_side(rgb, side), generator).astype(np.float32) / 255
    if generator.random() < 0.5:
        seen = seen[:, ::-1]
    if generator.random() < 0.4:
        seen = seen[..., generator.permutation(3)]
    if generator.random() < 0.4:
        seen = seen @ _turned_hue(generator.uniform(-np.pi, np.pi)).T
    if generator.random() < 0.5:
        gray = seen.mean(axis=2, keepdims=True)
        seen = gray + (seen - gray) * generator.uniform(0.4, 1.6)
        seen = 0.5 + (seen - 0.5) * generator.uniform(0.7, 1.4) + generator.uniform(-0.1, 0.1)
    return (seen.clip(0, 1) * 255).round().astype(np.uint8)


def _part(rgb: Pixels, generator: np.random.Generator) -> Pixels:
    height, width = rgb.shape[:2]
    share = min(1.0, float(np.sqrt(_MOST_PIXELS / (height * width))))
    tall, wide = int(height * share), int(width * share)
    top, left = generator.integers(height - tall + 1), generator.integers(width - wide + 1)
    return rgb[top : top + tall, left : left + wide]


def _turned_hue(angle: float) -> NDArray[np.float32]:
    """The rotation of colors around the gray axis, (3, 3)."""
    cos, sin = np.cos(angle), np.sin(angle) / np.sqrt(3)
    matrix = (1 - cos) / 3 + cos * np.eye(3) + sin * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return np.asarray(matrix, np.float32)
