"""What the three pictures share: smooth noise, blur, palettes, and light on a relief.

Every array is square, float32, with rows first; colors are sRGB values from 0 to 1.
"""

import numpy as np
from PIL import Image

SIDE = 768
# Pictures are drawn at twice their size and reduced at the end, which is all the anti-aliasing they get.
CANVAS = 2 * SIDE


def resize(field: np.ndarray, side: int) -> np.ndarray:
    """``field`` (any height and width) brought to ``side`` × ``side`` with a cubic."""
    return np.asarray(Image.fromarray(field.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC))


def noise(rng: np.random.Generator, scale: tuple[float, float], octaves: int = 3, side: int = CANVAS) -> np.ndarray:
    """Fractal noise of mean 0 and deviation 1, whose largest forms measure ``scale`` = (height, width) pixels."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        rows, columns = (max(2, round(side / s * 2**octave) + 1) for s in scale)
        total += resize(rng.standard_normal((rows, columns)), side) / 2**octave
    return (total - total.mean()) / total.std()


def blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; beyond its borders the field is mirrored."""
    margin = int(4 * sigma) + 1
    wide = np.pad(field, margin, mode="reflect")
    rows, columns = np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (rows**2 + columns**2))
    smooth = np.fft.irfft2(np.fft.rfft2(wide) * transfer, s=wide.shape)
    return smooth[margin:-margin, margin:-margin].astype(np.float32)


def ramp(position: np.ndarray, stops: list[str]) -> np.ndarray:
    """Colors (…, 3) at ``position`` (0 to 1) along evenly spaced ``stops`` such as "#1b2a6b"."""
    colors = np.array([[int(stop[i : i + 2], 16) / 255 for i in (1, 3, 5)] for stop in stops])
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(position, at, colors[:, c]) for c in range(3)], -1).astype(np.float32)


def lit(relief: np.ndarray, shine: float) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse (about 1) and specular (0 to ``shine``) light on a relief, from the upper left."""
    down, right = np.gradient(relief)
    normal = np.stack([-right, -down, np.ones_like(relief)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.array([-0.5, -0.62, 0.6])
    halfway = light / np.linalg.norm(light) + np.array([0, 0, 1])
    diffuse = normal @ light / light[2]
    specular = shine * np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 40
    return diffuse.astype(np.float32), specular.astype(np.float32)


def finish(canvas: np.ndarray) -> Image.Image:
    """The canvas (CANVAS, CANVAS, 3) as a picture of SIDE × SIDE."""
    pixels = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
