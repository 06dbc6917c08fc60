"""Which styles of a network that has several, and how much of each."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fststyle.model.file import ModelFile
from fststyle.system.entries import entries, entry
from fststyle.system.ranges import in_range, shown

Mix = str | Mapping[str, float] | Sequence[float]
"""A style's name; "wave:0.3,udnie:0.7"; the same as a mapping; or a number for each style in the file's order."""

_LARGEST = 1e6


def parse_mix(mix: Mix) -> list[tuple[str | int, float]]:
    """Names, or places in the file, with weights. A name without a number counts 1.

    Raises:
        ValueError: A weight does not lie in 0..1,000,000, or all are 0.
    """
    parts: list[tuple[str | int, float]]
    if isinstance(mix, str):
        parts = [_parsed(*each) for each in entries(mix)]
    elif isinstance(mix, Mapping):
        parts = [*mix.items()] if all(isinstance(name, str) for name in mix) else []
    else:
        parts = [*enumerate(mix)] if isinstance(mix, Iterable) and not isinstance(mix, bytes) else []
    weights = [weight for _, weight in parts]
    named = all(name != "" for name, _ in parts)
    if not named or not all(in_range(weight, 0, _LARGEST) for weight in weights) or not any(weights):
        raise ValueError(
            "a mix reads like wave:0.3,udnie:0.7, with numbers from 0 to 1,000,000 that are not all 0, not "
            f"{shown(mix)}"
        )
    return parts


def words_of(mix: Mix) -> str:
    """The same in one text, for comparing and for files."""
    parts = parse_mix(mix)
    return ",".join(f"{weight:g}" if isinstance(name, int) else entry(name, weight) for name, weight in parts)


def weights_of(mix: Mix, file: ModelFile) -> NDArray[np.float32]:
    """For the input that weighs the styles of a network, with a sum of 1: (styles,).

    Raises:
        ValueError: The network has one style, or none of this name; or the mix has not a number for each.
    """
    parts = parse_mix(mix)
    if not file.styles:
        raise ValueError(
            f"{file.where} has one style, so there is nothing to mix; leave the mix out, or mix networks with a blend"
        )
    weights = np.zeros(len(file.styles), np.float32)
    for name, weight in parts:
        if isinstance(name, str) and name not in file.styles:
            raise ValueError(f"{file.where} has no style called {name}; it has {', '.join(file.styles)}")
        if isinstance(name, int) and len(parts) != len(file.styles):
            raise ValueError(f"{file.where} has {len(file.styles)} styles, not {len(parts)}; give a number for each")
        weights[name if isinstance(name, int) else file.styles.index(name)] += weight
    weights /= weights.sum()
    return weights


def names_of(weights: NDArray[np.float32], file: ModelFile) -> str:
    """The styles that are in a mix: "wave+udnie"."""
    return "+".join(name for name, weight in zip(file.styles, weights, strict=True) if weight)


def _parsed(name: str, number: str | None, whole: str | None) -> tuple[str, float]:
    try:
        return (name, 1.0 if number is None else float(number)) if name else ("", 1.0)
    except ValueError:
        # Names may have a colon, too.
        return (name, float("nan")) if whole is None else (whole, 1.0)
