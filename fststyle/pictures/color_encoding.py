"""Colors by the numbers of H.273 (PNG's cICP, the nclx of AVIF and HEIC) or by PNG's gAMA and cHRM -> sRGB."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fststyle.errors import ImageError

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

# x and y of red, green, blue and white (H.273, table 2).
_D65 = (0.3127, 0.3290)
_SRGB_PRIMARIES: tuple[float, ...] = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
_NTSC = (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65)
_PRIMARIES = {
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: _NTSC,
    7: _NTSC,
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    10: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351),
    12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65),
    22: (0.63, 0.34, 0.295, 0.605, 0.155, 0.077, *_D65),
}

# Exponents (H.273, table 3). All others for standard range count as sRGB's curve, as in browsers: cameras' curves of
# BT.709 and its kin are meant for displays that undo sRGB's.
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_HDR = {16: "PQ", 18: "HLG"}
_LOGARITHMIC = {9, 10}

# From XYZ to cones (Bradford), where another white becomes D65.
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

# Writers of sRGB call its curve an exponent of 1/2.2 and round its primaries.
_LIKE_SRGB_GAMMA = 0.01
_LIKE_SRGB_PRIMARIES = 0.002

_LEVELS = 65535
_STRIP_PIXELS = 1_000_000


@dataclass(frozen=True)
class Encoding:
    """What a file says of its colors where it has no profile.

    Attributes:
        chromaticities: x and y of red, green, blue and white.
        gamma: Exponent from values to light; None is sRGB's curve.
        full_range: Else black is 16 and white 235.
    """

    chromaticities: tuple[float, ...] = _SRGB_PRIMARIES
    gamma: float | None = None
    full_range: bool = True

    @classmethod
    def from_codes(cls, primaries: int, transfer: int, *, full_range: bool, name: str) -> Self:
        """By the code points of H.273; what is unspecified or unknown counts as sRGB.

        Raises:
            ImageError: It is HDR or logarithmic.
        """
        if transfer in _HDR:
            raise ImageError(
                f"{name} is HDR ({_HDR[transfer]}), which a network trained on photos cannot paint; "
                "save it with standard range (SDR) first"
            )
        if transfer in _LOGARITHMIC:
            raise ImageError(f"{name} holds logarithmic values; save it as sRGB first")
        return cls(_PRIMARIES.get(primaries, _SRGB_PRIMARIES), _GAMMAS.get(transfer), full_range)

    @classmethod
    def from_png(cls, gamma: float | None, chromaticities: tuple[float, ...] | None) -> Self:
        """By the chunks gAMA, an exponent from light to values, and cHRM, which begins with white."""
        exponent = None
        if gamma is not None and 0.05 <= gamma <= 20 and abs(gamma * 2.2 - 1) > _LIKE_SRGB_GAMMA:
            exponent = 1 / gamma
        ordered: tuple[float, ...] = _SRGB_PRIMARIES
        if chromaticities is not None and _is_color_space(chromaticities):
            ordered = (*chromaticities[2:], *chromaticities[:2])
        return cls(ordered, exponent)

    def is_srgb(self) -> bool:
        """Whether pixels are sRGB as they stand."""
        apart = np.abs(np.subtract(self.chromaticities, _SRGB_PRIMARIES)).max()
        return bool(self.full_range and self.gamma is None and apart <= _LIKE_SRGB_PRIMARIES)

    def to_srgb(self, rgb: Pixels) -> Pixels:
        """(H, W, 3) uint8; colors that sRGB does not have are clipped."""
        values = np.arange(256) / 255
        if not self.full_range:
            values = np.clip((values * 255 - 16) / 219, 0, 1)
        linear = _srgb_to_light(values) if self.gamma is None else values**self.gamma
        table = linear.astype(np.float32)
        matrix = (np.linalg.inv(_to_xyz(_SRGB_PRIMARIES)) @ _to_xyz(self.chromaticities)).T.astype(np.float32)
        curve = _light_to_srgb(np.arange(_LEVELS + 1) / _LEVELS)
        encoded = np.rint(255 * curve).astype(np.uint8)
        converted = np.empty_like(rgb)
        rows = max(1, _STRIP_PIXELS // max(1, rgb.shape[1]))
        for top in range(0, len(rgb), rows):
            light = np.clip(table[rgb[top : top + rows]] @ matrix, 0, 1)
            converted[top : top + rows] = encoded[(light * _LEVELS + np.float32(0.5)).astype(np.uint16)]
        return converted


def _srgb_to_light(values: Floats) -> Floats:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _light_to_srgb(light: Floats) -> Floats:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _to_xyz(chromaticities: tuple[float, ...]) -> Floats:
    """(3, 3) from linear RGB to XYZ, whose white is D65."""
    points = np.array(chromaticities).reshape(4, 2)
    columns = np.stack([points[:, 0], points[:, 1], 1 - points.sum(1)])  # (3, 4)
    colors, white = columns[:, :3], columns[:, 3] / columns[1, 3]
    d65 = np.array([_D65[0], _D65[1], 1 - sum(_D65)]) / _D65[1]
    matrix = colors * np.linalg.solve(colors, white)
    cones = np.diag((_BRADFORD @ d65) / (_BRADFORD @ white))
    adapted: Floats = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ matrix
    return adapted


def _is_color_space(white_first: tuple[float, ...]) -> bool:
    """Whether three primaries span a triangle with white inside."""
    if len(white_first) != 8 or white_first[1] <= 0:
        return False
    points = np.array(white_first).reshape(4, 2)
    columns = np.stack([points[:, 0], points[:, 1], 1 - points.sum(1)])
    try:
        shares = np.linalg.solve(columns[:, 1:], columns[:, 0])
    except np.linalg.LinAlgError:
        return False
    return bool((shares > 0).all())
