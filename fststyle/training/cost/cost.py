"""What a cost is made of: its settings, and the values of its terms. `objective.py` computes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from torch import Tensor

from fststyle.training.cost.loss_network import Architecture, Pooling

Form = Literal["relative", "literal"]

TERM_NAMES = ("content_loss", "style_loss", "total_variation_loss", "total_loss")


@dataclass(frozen=True)
class Cost:
    """Which cost is minimized.

    Attributes:
        loss_network: The fixed network that sees: "medium" or "slim", which ship with the package and take a fraction
            of VGG-19's time, "vgg19" or "vgg16"; none takes medium, or VGG-19 if its weights are given.
        weights: Its weights, a local .safetensors or .pth file. None takes the package's: medium, slim, and VGG-19 up
            to relu4_1 with normalized channels. Everything else is torchvision's, downloaded once.
        pooling: "average" for Gatys' smoother variant.
        normalize_channels: Scale each channel to mean activation 1 over photos (Gatys 2015), so that quiet channels
            count as loud ones do.
        form: "relative" (dimensionless, calibrated) or "literal": squared distance of activations / (C·H·W), squared
            Frobenius distance of Gram matrices / (C·H·W), sum of squared neighbor differences (Johnson 2016, 3.2).
        content_layers: Where content is compared; the mean over them counts.
        style_layers: Where style matrices are compared; the mean over them counts in the relative form, the sum in the
            literal one.
        content_weight: Weight of the content term.
        style_weight: Weight of the style term; try 0.3 for a hint of the painting and 3 for all of it.
        tv_weight: Weight of the smoothness term.
        grid_weight: Weight of the term against ripples that follow a network's own grid (`losses.grid_loss`). Of the
            relative form only, and of networks in training: a single picture's cost knows no such term.
        temporal_weight: Weight of the steadiness term, for networks that shall paint videos (`temporal.py`); 0 leaves
            it out and saves a pass through the network that is trained. Of networks in training only, too.
        temporal_lighting: Standard deviation of the light's change that the steadiness term allows for, as a fraction
            of the range; 0 trains under constant light.
    """

    loss_network: Architecture | None = None
    weights: Path | str | None = None
    pooling: Pooling = "max"
    normalize_channels: bool = True
    form: Form = "relative"
    content_layers: tuple[str, ...] = ("relu3_3",)
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 1.0
    grid_weight: float = 1.0
    temporal_weight: float = 0.0
    temporal_lighting: float = 0.0

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise ValueError(f"unknown form {self.form!r}; use one of {', '.join(get_args(Form))}")
        weights = ("content_weight", "style_weight", "tv_weight", "grid_weight", "temporal_weight")
        for name in (*weights, "temporal_lighting"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be 0 or more and finite, not {getattr(self, name)}")
        if not self.content_layers and not self.style_layers:
            raise ValueError("the cost needs at least one content or style layer, such as relu3_3")

    @property
    def architecture(self) -> Architecture:
        """The loss network, decided."""
        return self.loss_network or ("medium" if self.weights is None else "vgg19")

    @property
    def weights_file(self) -> Path | None:
        """The loss network's own weights, if they are given."""
        return None if self.weights is None else Path(self.weights)

    @property
    def minds_grid(self) -> bool:
        """Whether networks are trained against ripples."""
        return self.form == "relative" and self.grid_weight > 0

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer in use, each once."""
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))


class CostTerms(NamedTuple):
    """The cost of a batch, averaged over its pictures; scalars in float32, unweighted but for `total`.

    `grid` is None where no network is judged, `temporal` where nothing moves, `likeness` where nobody teaches.
    """

    content: Tensor
    style: Tensor
    total_variation: Tensor
    total: Tensor
    style_by_layer: dict[str, Tensor]
    grid: Tensor | None = None
    temporal: Tensor | None = None
    likeness: Tensor | None = None

    def named(self) -> dict[str, Tensor]:
        """By the names under which logs, tables and files have them; one more for each style layer."""
        named = dict(zip(TERM_NAMES, self[:4], strict=True))
        if self.grid is not None:
            named["grid_loss"] = self.grid
        if self.temporal is not None:
            named["temporal_loss"] = self.temporal
        if self.likeness is not None:
            named["likeness_loss"] = self.likeness
        return named | {f"style_loss_{layer}": value for layer, value in self.style_by_layer.items()}
