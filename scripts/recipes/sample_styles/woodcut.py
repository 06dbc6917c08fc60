"""Woodcut: a bay under a great sun, in carved lines of dark ink over three flat colors on rough paper."""

import numpy as np
from PIL import Image

from sample_styles.paint import CANVAS, blur, finish, noise, ramp

PAPER, INK = "#f1e3c4", "#1d2233"
SUN, OCHRE, SEA, HILL = "#d8452b", "#eaa23c", "#3f8f95", "#5d7f5a"
SUN_AT = (0.60, 0.33, 0.145)  # x, y, radius


class Scene:
    """Where everything stands, from far to near; all fields are (CANVAS, CANVAS)."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        sun_x, sun_y, sun_r = SUN_AT
        self.from_sun = np.hypot(x - sun_x, y - sun_y)
        self.turn = np.arctan2(y - sun_y, x - sun_x)
        self.aside = np.abs(x - sun_x)
        # How far each pixel lies below the upper edge of each thing.
        far_ridge = 0.50 - 0.10 * np.exp(-(((x - 0.16) / 0.13) ** 2)) - 0.06 * np.exp(-(((x - 0.38) / 0.10) ** 2))
        far_ridge = far_ridge - 0.08 * np.exp(-(((x - 0.97) / 0.16) ** 2)) + 0.006 * np.sin(60 * x)
        self.below_ridge = y - far_ridge
        self.ridge_leans = np.sign(np.gradient(far_ridge, axis=1))
        self.below_shore = y - 0.52 - 0.004 * np.sin(22 * x)
        self.below_left = y - 0.66 - 0.50 * np.clip(x - 0.05, 0, 1) ** 1.3 + 0.03 * np.sin(9 * x)
        self.below_right = y - 0.80 + 0.24 * np.exp(-(((x - 1.02) / 0.30) ** 2)) - 0.02 * np.sin(12 * x + 1)
        below_front = y - 0.99 + 0.20 * np.exp(-(((x - 0.30) / 0.30) ** 2)) - 0.012 * np.sin(14 * x)

        self.front = below_front >= 0
        self.right = (self.below_right >= 0) & ~self.front
        self.left = (self.below_left >= 0) & ~self.right & ~self.front
        self.sea = (self.below_shore >= 0) & ~self.left & ~self.right & ~self.front
        self.ridge = (self.below_ridge >= 0) & (self.below_shore < 0)
        self.sky = (self.below_ridge < 0) & (self.below_shore < 0)
        self.sun = (self.from_sun < sun_r) & self.sky
        self.halo = (self.from_sun < 2 * sun_r) & self.sky & ~self.sun


def carved(scene: Scene, x: np.ndarray, y: np.ndarray, clouds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The key block: ink, 0 or 1. Each thing has lines (in lines to the picture's height) and a tone of its own."""
    s = scene
    rough, sway = noise(rng, (14, 14), 2), noise(rng, (420, 420), 2)
    gouge, swell = noise(rng, (40, 150), 2), noise(rng, (90, 300), 2)
    depth = np.clip(s.below_shore, 0, 1)
    waves = 52 * depth**0.85 + 0.8 * np.sin(26 * x + 34 * depth + 0.7 * sway) * depth**0.5 + 0.5 * sway
    furrows = s.below_left * 46 + 22 * x + 2.5 * np.sin(7 * x + 4 * y) + 0.6 * sway
    parts = [
        (
            s.sky,
            y * 66 + 1.5 * np.sin(5.5 * x + 1.1 * sway) + 1.3 * sway,
            0.36 + 0.56 * clouds - 0.25 * y + 0.05 * gouge,
        ),
        (s.halo, s.turn * 68 / np.pi + 0.25 * sway, 0.17 + 0.9 * s.from_sun),
        (s.sun, s.from_sun * 56 + 0.5 * sway, 0.20 + 0.06 * gouge),
        (s.ridge, x * 60 + 38 * s.below_ridge * s.ridge_leans + 0.5 * sway, 0.55 - 0.9 * s.below_shore + 0.12 * swell),
        (s.sea, waves, 0.50 + 0.12 * gouge + 0.10 * swell - 0.20 * glitter(s)),
        (s.left, furrows, 0.42 + 0.12 * sway + 0.10 * gouge + 0.7 * s.below_left),
        (
            s.right,
            s.below_right * 52 - 9 * x + 1.6 * np.sin(9 * x) + 0.5 * sway,
            0.50 + 0.13 * sway + 0.6 * s.below_right,
        ),
        (s.front, 32 * (x - 0.30) / (y - 0.42) + 0.4 * sway, 0.52 + 0.14 * gouge + 0.10 * sway),
    ]
    ink, edges = np.zeros((2, CANVAS, CANVAS), np.float32)
    for where, lines, tone in parts:
        from_line = np.abs(lines - np.round(lines)) * 2
        ink = np.where(where, from_line + 0.10 * rough < tone, ink)
        if where is not s.halo:  # the halo is open: its rays end on the sky
            edges = np.maximum(edges, np.abs(where - blur(where.astype(np.float32), 3.0)))
    return np.maximum(ink, edges + 0.05 * rough > 0.17)


def glitter(scene: Scene) -> np.ndarray:
    """The sun's path on the water, broken by the swell."""
    torn = 0.030 * np.sin(130 * scene.below_shore) * np.sin(47 * scene.below_shore + 1) + 0.02 * np.sin(
        60 * scene.aside
    )
    return scene.sea & (scene.aside < np.minimum(0.05 + 0.34 * scene.below_shore, 0.11) + torn)


def woodcut(seed: int = 3) -> Image.Image:
    """The picture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float32) / CANVAS
    scene = Scene(x, y)
    clouds = 0.5 + 0.5 * np.tanh(1.4 * noise(rng, (130, 520), 3) - 0.4)
    ink = carved(scene, x, y, clouds, rng)

    rough, fiber = noise(rng, (14, 14), 2), noise(rng, (9, 60), 2)
    color = np.broadcast_to(ramp(np.array(0.0), [PAPER, PAPER]), (CANVAS, CANVAS, 3))
    path = glitter(scene)
    # The colors are printed first; no block is laid quite where the one before it was.
    blocks = [
        (scene.sky & (clouds + 0.25 * (0.6 - scene.from_sun) + 0.1 * rough < 0.55), OCHRE, (3, -4)),
        (scene.sun | scene.front, SUN, (-4, 3)),
        ((scene.sea & ~path) | scene.ridge, SEA, (4, 4)),
        (path | scene.left, OCHRE, (2, 0)),
        (scene.right, HILL, (3, -4)),
    ]
    for mask, pigment, (down, right) in blocks:
        padded = np.pad(mask, 8, mode="edge")[8 - down : 8 - down + CANVAS, 8 - right : 8 - right + CANVAS]
        cover = (padded * np.clip(0.90 + 0.07 * fiber + 0.05 * rough, 0, 1))[..., None]
        color = color * (1 - cover) + color * ramp(np.array(0.0), [pigment, pigment]) * 1.04 * cover
    # The ink lies thinner where the wood's grain stands out.
    cover = np.clip(blur(ink, 1.0) * (0.97 + 0.06 * fiber) - 0.25 * (rough + 0.6 * fiber > 2.6), 0, 1)[..., None]
    color = color * (1 - cover) + ramp(np.array(0.0), [INK, INK]) * cover
    grain = 0.020 * noise(rng, (5, 5), 2) + 0.012 * fiber
    return finish(color * (1 + grain[..., None]))
