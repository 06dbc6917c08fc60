"""Glass: a sun and its beams in stained glass, panes of many colors held in lead."""

import numpy as np
from PIL import Image

from sample_styles.paint import CANVAS, blur, finish, lit, noise, ramp

# Flowers: x, y and radius of the innermost row of panes in parts of the canvas, petals, colors from row to row outward.
FLOWERS = [
    (0.62, 0.36, 0.042, 9, ["#fff0a0", "#ffd23a", "#ff9d1c", "#e8431c", "#b5123e", "#6a1f8a", "#2a3cb8", "#1577c2"]),
    (0.16, 0.74, 0.036, 8, ["#fff6d0", "#ffc531", "#f0701c", "#c81f4d", "#7d2a9a", "#2450c8", "#1484b4", "#17a39a"]),
    (0.14, 0.13, 0.030, 7, ["#fdf3c0", "#f7b733", "#e0325a", "#8a1f7a", "#2f3fc0", "#1d7fd0", "#16a0b4", "#1fae8e"]),
    (0.90, 0.88, 0.032, 8, ["#ffeeb0", "#ff9d2c", "#d8263f", "#5a2a9a", "#1c4fc0", "#1f8cc6", "#17958c", "#3fb878"]),
]
# Now and then a pane breaks the row's color, as a glazier uses what is left on the bench.
SCRAPS = ["#ffc22a", "#ff8a1c", "#e32636", "#2fb8c8", "#ffe08a"]


def petals(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Middle (x, y in pixels) and color of every pane, row by row around each flower as far as it is the nearest."""
    middles, colors = [], []
    for own, (cx, cy, inner, count, stops) in enumerate(FLOWERS):
        middles.append((cx, cy))
        colors.append(ramp(np.array(0.0), stops))
        for row in range(16):
            # Rows grow wider outward, and each is set half a petal on from the one within.
            radius = inner * (1 + 1.0 * row + 0.035 * row**2)
            around = count if row == 0 else round(count * (1.3 + 0.62 * row))
            for k in range(around):
                turn = 2 * np.pi * (k + 0.5 * (row % 2) + rng.uniform(-0.14, 0.14)) / around
                reach = radius + rng.uniform(-0.09, 0.09) * inner
                x, y = cx + reach * np.cos(turn), cy + reach * np.sin(turn)
                nearest = min(range(len(FLOWERS)), key=lambda f: np.hypot(x - FLOWERS[f][0], y - FLOWERS[f][1]))
                if nearest != own or not (-0.06 < x < 1.06 and -0.06 < y < 1.06):
                    continue
                step = (row + 1 + rng.normal(0, 0.35)) / 8
                color = ramp(np.array(1 - abs((step % 2) - 1)), stops)
                if row > 2 and rng.uniform() < 0.09:
                    color = ramp(np.array(rng.integers(len(SCRAPS)) / (len(SCRAPS) - 1)), SCRAPS)
                middles.append((x, y))
                colors.append(color * rng.uniform(0.78, 1.12))
    return np.array(middles, np.float32) * CANVAS, np.array(colors, np.float32)


def part(middle: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the pane it lies in, and its distance to the lead in pixels."""
    y, x = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float32)
    # Bent before they are parted, so that no lead is straight.
    x, y = x + 16 * noise(rng, (300, 300), 1), y + 16 * noise(rng, (300, 300), 1)
    first, second = np.full((2, CANVAS, CANVAS), np.inf, np.float32)
    pane, neighbor = np.zeros((2, CANVAS, CANVAS), np.int32)
    for k, (cx, cy) in enumerate(middle):
        distance = (x - cx) ** 2 + (y - cy) ** 2
        closest = distance < first
        closer = ~closest & (distance < second)
        second = np.where(closest, first, np.where(closer, distance, second))
        neighbor = np.where(closest, pane, np.where(closer, k, neighbor))
        first, pane = np.where(closest, distance, first), np.where(closest, k, pane)
    apart = np.linalg.norm(middle[pane] - middle[neighbor], axis=-1)
    return pane, (second - first) / (2 * apart + 1e-6)


def glass(seed: int = 11) -> Image.Image:
    """The picture."""
    rng = np.random.default_rng(seed)
    middle, colors = petals(rng)
    pane, to_lead = part(middle, rng)
    count = len(colors)
    y, x = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float32)

    # Each pane: a slope of light in a direction of its own, streaks from the drawing of the sheet, and a darker rim.
    direction = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    offset = np.stack([x, y], -1) - middle[pane]
    along = offset[..., 0] * np.cos(direction)[pane] + offset[..., 1] * np.sin(direction)[pane]
    across = offset[..., 1] * np.cos(direction)[pane] - offset[..., 0] * np.sin(direction)[pane]
    wobble = 8 * noise(rng, (90, 90), 2)
    streaks = np.sin((across + wobble) / 5 + 6 * direction[pane]) * 0.6 + np.sin((across + 1.7 * wobble) / 11) * 0.6
    ripple = noise(rng, (34, 34), 2)
    light = 1 + 0.0075 * along + 0.16 * streaks + 0.07 * ripple
    light *= 0.62 + 0.38 * np.clip(to_lead / 22, 0, 1) ** 0.7
    light *= 1.02 + 0.10 * noise(rng, (700, 700), 1)
    tint = np.roll(colors, 1, 0)[pane] * 0.16 + colors[pane] * 0.84
    mix = np.clip(0.5 + 0.006 * along + 0.18 * streaks, 0, 1)[..., None]
    color = (colors[pane] * mix + tint * (1 - mix)) * light[..., None]
    # Where the glass is thin the light burns towards white.
    color += 0.30 * np.clip(light - 1.02, 0, 1)[..., None]
    surface, gleam = lit(blur(ripple * 2.2 + streaks * 1.2, 2), 0.16)
    color = color * (0.75 + 0.25 * surface)[..., None] + gleam[..., None]

    # Lead: a rounded bar, a little uneven, with the light of the room on it.
    width = 5.2 + 0.9 * noise(rng, (260, 260), 2)
    bar = np.clip((width - to_lead) / 1.5, 0, 1)[..., None]
    round_bar = np.sqrt(np.clip(1 - (to_lead / (width + 1)) ** 2, 0, 1)) * 6
    shade, gleam = lit(blur(round_bar, 1.2) + 0.25 * noise(rng, (10, 10), 2), 0.5)
    metal = np.array([0.085, 0.085, 0.105]) * shade[..., None] + gleam[..., None] * np.array([0.55, 0.6, 0.7])
    # The glow of the panes creeps over the lead's edge.
    glow = np.stack([blur(color[..., c] * (1 - bar[..., 0]), 22) for c in range(3)], -1)
    return finish(color * (1 - bar) + metal * bar + 0.16 * glow)
