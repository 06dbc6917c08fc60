"""What an exported network says about itself: how it was made, how good it is, what it may be used for."""

import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, get_args, get_origin, get_type_hints

from fststyle import __version__
from fststyle.errors import ModelFileError

FORMAT_VERSION = 1

# A smaller picture is continued up to its network's least side. No network of this kind needs a tenth of it.
_MOST_MIN_SIDE = 1024
_PREFIX = "fststyle."

MOST_GRAIN = 100
"""Gray levels; more would leave nothing of a photo."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Stored in the ONNX file's `metadata_props`, a key a field, so that onnxruntime alone can read it.

    Attributes:
        style: Name of the style, "starry_night".
        painting: Title and artist, or the file's name; never a path.
        network: Name of the architecture, "johnson".
        width: Factor on the architecture's channel counts.
        loss_network: The network that its cost was measured with.
        recipe: Whatever else the training was told.
        steps: Training steps taken.
        costs: Terms of the cost on held-out photos: "content", "style", "total", …
        licence: Of the weights.
        precision: Of the numbers it computes with: "fp32", "fp16" or "int8". The costs are those of fp32.
        styles: Of a network of several, their names, in the order of the input that weighs them; None for one style.
        grain: Noise for `stylize` to give it, in gray levels, where nobody asks for more or less; None is none. Not for
            videos.
        min_side: Smallest height and width that the graph accepts, in pixels.
        created_by: Program and version.
        weights_sha256: Of the file's weights, in hexadecimal; `write_model` fills it in.
        format_version: Of this card.
    """

    style: str
    painting: str | None = None
    network: str
    width: float
    loss_network: str
    recipe: dict[str, Any] = field(default_factory=dict)
    steps: int
    costs: dict[str, float] = field(default_factory=dict)
    licence: str
    precision: str = "fp32"
    styles: list[str] | None = None
    grain: float | None = None
    min_side: int
    created_by: str = f"fststyle {__version__}"
    weights_sha256: str = ""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if not 1 <= self.min_side <= _MOST_MIN_SIDE:
            raise ValueError(f"min_side must lie in 1..{_MOST_MIN_SIDE}, not {self.min_side}")
        if not 0 <= (self.grain or 0) <= MOST_GRAIN:
            raise ValueError(f"grain must lie in 0..{MOST_GRAIN}, not {self.grain}")
        if not all(isinstance(name, str) for name in self.styles or ()):
            raise ValueError(f"styles must be names, not {self.styles}")

    def to_metadata(self) -> dict[str, str]:
        """Texts as they are, everything else as JSON; a field that is None is left out."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {
            _PREFIX + name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for name, value in values.items()
            if value is not None
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> Self | None:
        """Read back what `to_metadata` gave, among keys of others; None if there is no card.

        Raises:
            ModelFileError: A newer fststyle wrote the card, or it is broken; `name` stands in the message.
        """
        version = metadata.get(f"{_PREFIX}format_version")
        if version is None:
            return None
        if version != str(FORMAT_VERSION):
            raise ModelFileError(f"{name} was written by a newer fststyle (format {version}); upgrade fststyle")
        kinds = get_type_hints(cls)
        try:
            return cls(
                **{
                    entry: _parse(metadata[_PREFIX + entry], kind)
                    for entry, kind in kinds.items()
                    if _PREFIX + entry in metadata
                },
            )
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"{name} has a broken card ({error}); export or download it again") from error


def is_ours(key: str) -> bool:
    """Whether a metadata key belongs to the card."""
    return key.startswith(_PREFIX)


def _parse(text: str, kind: Any) -> Any:
    options = get_args(kind) if get_origin(kind) is types.UnionType else (kind,)
    if str in options:
        return text
    value = json.loads(text)
    expected = [get_origin(option) or option for option in options]
    if float in expected and type(value) is int:
        value = float(value)
    if type(value) not in expected:
        raise ValueError(f"{text!r} is not a {expected[0].__name__}")
    return value
