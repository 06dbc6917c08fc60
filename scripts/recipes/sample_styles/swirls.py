"""Swirls: thick brush strokes that follow the eddies of a night sky at dusk."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from sample_styles.paint import CANVAS, blur, finish, lit, noise, ramp

SKY = ["#0a1033", "#14246b", "#1f4aa8", "#2b7fc0", "#3aa6b9", "#8fd0c0", "#f3e6b0", "#f2b33d"]
FIELDS = ["#2a1238", "#5b1f4a", "#a8322f", "#e0662a", "#f4a236", "#fbd978"]
GLOW = ["#fffbe0", "#ffe27a", "#fdbb35", "#f08a24", "#d9642c"]

# (x, y, radius) in parts of the canvas; the sign says which way the paint turns.
LIGHTS = [(0.27, 0.25, 0.072), (0.74, 0.17, -0.055), (0.86, 0.46, 0.04), (0.53, 0.40, -0.035), (0.10, 0.55, -0.04)]

# Stroke width and length in canvas pixels, and how many to a canvas: from underpainting to the last touches.
LAYERS = [(62, 240, 1500), (40, 190, 4000), (27, 130, 7500), (18, 90, 7000)]


def composition(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Direction of the paint in radians, and two colors for each place, between which every stroke varies."""
    y, x = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float32) / CANVAS
    stream = 0.030 * noise(rng, (620, 900), 2) - 0.10 * y
    for cx, cy, radius in LIGHTS:
        distance = np.hypot(x - cx, y - cy) / abs(radius)
        # A cone, not a bell: around each light the paint then turns on exactly its center.
        near_light = np.exp(-((distance / 3.0) ** 2))
        stream = stream * (1 - 0.9 * near_light) + 2.6 * radius * near_light * (1 - 0.25 * distance)
    horizon = 0.70 + 0.045 * np.sin(7 * x + 0.6) + 0.02 * np.sin(17 * x)
    below = 1 / (1 + np.exp(-(y - horizon) * 60))
    # The fields roll in parallel furrows instead of eddies.
    furrows = y + 0.10 * np.sin(5 * x + 9 * y) + 0.012 * noise(rng, (500, 500), 1)
    stream = stream * (1 - below) + furrows * 0.3 * below
    down, right = np.gradient(blur(stream, 8))
    angle = np.arctan2(-right, down)

    bands = 0.36 + 0.20 * np.sin(stream * 62) + 0.13 * noise(rng, (300, 420), 3) + 0.24 * (y - 0.35)
    sky = ramp(np.clip(bands, 0, 1) * 0.86, SKY)
    earth = ramp(np.clip(0.48 + 0.30 * np.sin(furrows * 75) + 0.13 * noise(rng, (160, 420), 3), 0, 1), FIELDS)
    near = sky * (1 - below[..., None]) + earth * below[..., None]
    for cx, cy, radius in LIGHTS:
        distance = np.hypot(x - cx, y - cy) / abs(radius)
        weight = np.clip(1.75 - distance, 0, 1)[..., None] ** 0.7
        near = near * (1 - weight) + ramp(np.clip(distance / 1.7, 0, 1), GLOW) * weight
        ring = (np.exp(-(((distance - 2.25) / 0.16) ** 2)) + 0.7 * np.exp(-(((distance - 3.0) / 0.14) ** 2)))[..., None]
        near = near * (1 - 0.75 * ring) + ramp(np.full_like(x, 0.80), SKY) * 0.75 * ring
    # The second color is the neighbor's: edges of the composition dissolve into mixed strokes.
    far = np.pad(near, ((70, 0), (0, 50), (0, 0)), mode="edge")[:CANVAS, 50:]
    return angle, near, far


def paths(start: np.ndarray, angle: np.ndarray, length: float, steps: int) -> np.ndarray:
    """Center lines (strokes, steps, 2) as x, y: half of each against the flow of ``start``, half along it."""
    halves = []
    for sign in (-1, 1):
        at, line = start.copy(), []
        for _ in range(steps // 2):
            column, row = np.clip(at, 0, CANVAS - 1).astype(int).T
            direction = angle[row, column]
            at = at + sign * length / steps * np.stack([np.cos(direction), np.sin(direction)], -1)
            line.append(at)
        halves.append(line)
    return np.stack(halves[0][::-1] + halves[1], 1)


@dataclass
class Painting:
    """Wet paint: its ``color``, its thickness (``relief``), and the ``bristles`` of the brush that lays it on."""

    rng: np.random.Generator
    bristles: np.ndarray
    color: np.ndarray = field(default_factory=lambda: np.full((CANVAS, CANVAS, 3), 0.1, np.float32))
    relief: np.ndarray = field(default_factory=lambda: np.zeros((CANVAS, CANVAS), np.float32))

    def stroke(self, line: np.ndarray, width: float, loaded: tuple[np.ndarray, np.ndarray]) -> None:
        """Lays one opaque stroke along ``line`` (steps, 2), its bristles loaded with anything between two colors."""
        count = int(np.hypot(*(line[-1] - line[0])) * 1.3) + 20
        t = np.linspace(0, 1, count)
        knots = np.linspace(0, 1, len(line))
        center = np.stack([np.interp(t, knots, line[:, 0]), np.interp(t, knots, line[:, 1])], -1)
        tangent = np.gradient(center, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-6
        across = np.linspace(-1, 1, int(width * 1.5))
        swell = np.clip(np.minimum(t * 9, (1 - t) * 4), 0, 1) ** 0.5 * 0.35 + 0.65
        offset = across[None] * (width / 2) * swell[:, None]
        column = (center[:, :1] - tangent[:, 1:] * offset).astype(int)
        row = (center[:, 1:] + tangent[:, :1] * offset).astype(int)

        top = self.rng.integers(self.bristles.shape[0] - count)
        left = self.rng.integers(self.bristles.shape[1] - len(across))
        hair = self.bristles[top : top + count, left : left + len(across)]
        # Towards the end the brush runs dry: its outer and its shorter bristles no longer reach the canvas.
        dry = 4 * (t[:, None] - 0.62) + 1.2 * across[None] ** 6
        kept = (hair > dry - 2.2) & (column >= 0) & (column < CANVAS) & (row >= 0) & (row < CANVAS)
        at = row[kept], column[kept]
        mix = np.clip(0.35 + 0.32 * hair, 0, 1)[..., None]
        self.color[at] = ((loaded[0] * (1 - mix) + loaded[1] * mix) * (1 + 0.09 * hair)[..., None])[kept]
        # Paint piles up along both sides and where the brush was set down.
        sides = 2.2 * np.exp(-(((np.abs(across) - 0.86) / 0.12) ** 2))[None]
        ridge = 0.9 * hair + sides + 2.0 * np.exp(-t / 0.05)[:, None]
        self.relief[at] = 0.35 * self.relief[at] + (ridge * width**0.3 * 0.5)[kept]


def swirls(seed: int = 4) -> Image.Image:
    """The picture."""
    rng = np.random.default_rng(seed)
    angle, near, far = composition(rng)
    painting = Painting(rng, bristles=noise(rng, (160, 7), 2))
    for width, length, count in LAYERS:
        start = rng.uniform(0, CANVAS, (count, 2))
        lines = paths(start, angle, length, 24)
        for (x, y), line in zip(start.astype(int), lines, strict=True):
            tint = rng.normal(0, 0.035) + rng.normal(0, 0.025, 3)
            loaded = near[y, x] + tint, near[y, x] * 0.35 + far[y, x] * 0.65 + tint
            painting.stroke(line, width * rng.uniform(0.75, 1.2), loaded)
    diffuse, specular = lit(blur(painting.relief, 1.1) * 0.55, 0.30)
    return finish(painting.color * (0.30 + 0.70 * diffuse)[..., None] + (specular - 0.05)[..., None])
