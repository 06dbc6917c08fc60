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
    """What is minimized.

    Attributes:
        loss_network: The fixed network whose activations are compared: "medium" or "slim", which ship with the package
            and take a fraction of VGG-19's time, "vgg19" or "vgg16". None takes medium, or VGG-19 if `weights` is
            given.
        weights: Its weights, a local .safetensors or .pth file. None takes the package's: medium, slim, and VGG-19 up
            to relu4_1 with normalized channels. Others are torchvision's, downloaded once.
        pooling: "average" for Gatys' smoother variant.
        normalize_channels: Scale each channel to mean activation 1 over photos (Gatys 2015), so that channels of small
            activations count as much as others.
        form: "relative" (dimensionless, calibrated) or "literal": squared distance of activations / (C·H·W), squared
            Frobenius distance of Gram matrices / (C·H·W), sum of squared neighbor differences (Johnson 2016, 3.2).
        content_layers: Layers whose activations are compared; their mean counts.
        style_layers: Layers whose style matrices are compared. In the relative form their mean counts, in the literal
            form their sum.
        content_weight: Weight of the content term.
        style_weight: Weight of the style term; try 0.3 for a hint of the painting and 3 for all of it.
        tv_weight: Weight of the smoothness term.
        grid_weight: Weight of the term against ripples that follow a network's own grid (`losses.grid_loss`). Only for
            networks in training, and only in the relative form.
        local_weight: How much the style of every part of 128 pixels counts (`parts.py`), against that of the whole. It
            fills skies and walls. Only for networks in training, and in crops of 256 or more. 0 leaves it out.
        wasserstein_weight: How much the sliced Wasserstein distance to the painting counts (`wasserstein.py`), against
            style matrices. It brings more style to large pictures. Only for networks in training, and only in the
            relative form. 0 leaves it out.
        temporal_weight: Weight of the steadiness term, for networks that paint videos (`temporal.py`). Only for
            networks in training. 0 leaves it out and saves a pass through the network.
        temporal_lighting: Standard deviation of the change of light that the steadiness term simulates, as a fraction
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
    local_weight: float = 0.0
    wasserstein_weight: float = 0.0
    temporal_weight: float = 0.0
    temporal_lighting: float = 0.0

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise ValueError(f"unknown form {self.form!r}; use one of {', '.join(get_args(Form))}")
        if self.loss_network not in (None, *get_args(Architecture)):
            known = ", ".join(get_args(Architecture))
            raise ValueError(f"unknown loss network {self.loss_network!r}; use one of {known}")
        numbers = ("content", "style", "tv", "grid", "local", "wasserstein", "temporal")
        for name in (*(f"{number}_weight" for number in numbers), "temporal_lighting"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be 0 or more and finite, not {getattr(self, name)}")
        if self.form == "literal" and self.wasserstein_weight:
            raise ValueError("wasserstein_weight is for the relative form; leave it at 0, or use form relative")
        if not self.content_layers and not self.style_layers:
            raise ValueError("the cost needs at least one content or style layer, such as relu3_3")

    @property
    def architecture(self) -> Architecture:
        """The loss network; the default if none is named."""
        return self.loss_network or ("medium" if self.weights is None else "vgg19")

    @property
    def weights_file(self) -> Path | None:
        """`weights` as a path."""
        return None if self.weights is None else Path(self.weights)

    @property
    def minds_grid(self) -> bool:
        """Whether networks are trained against ripples."""
        return self.form == "relative" and self.grid_weight > 0

    @property
    def minds_parts(self) -> bool:
        """Whether networks are trained to have the style in every part of a picture."""
        return bool(self.style_layers) and self.local_weight > 0

    @property
    def minds_wasserstein(self) -> bool:
        """Whether networks are trained to have the painting's distributions of activations."""
        return bool(self.style_layers) and self.wasserstein_weight > 0

    @property
    def layers(self) -> tuple[str, ...]:
        """All content and style layers, without repetition."""
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))


class CostTerms(NamedTuple):
    """The cost of a batch, averaged over its pictures: float32 scalars. Only `total` is weighted.

    `grid`, `local` and `wasserstein` are None for single pictures, `temporal` without a steadiness term, `likeness`
    without a teacher.
    """

    content: Tensor
    style: Tensor
    total_variation: Tensor
    total: Tensor
    style_by_layer: dict[str, Tensor]
    grid: Tensor | None = None
    temporal: Tensor | None = None
    likeness: Tensor | None = None
    local: Tensor | None = None
    wasserstein: Tensor | None = None

    def named(self) -> dict[str, Tensor]:
        """The terms by their names in logs, tables and files; style also layer by layer."""
        named = dict(zip(TERM_NAMES, self[:4], strict=True))
        if self.grid is not None:
            named["grid_loss"] = self.grid
        if self.temporal is not None:
            named["temporal_loss"] = self.temporal
        if self.likeness is not None:
            named["likeness_loss"] = self.likeness
        if self.local is not None:
            named["local_loss"] = self.local
        if self.wasserstein is not None:
            named["wasserstein_loss"] = self.wasserstein
        return named | {f"style_loss_{layer}": value for layer, value in self.style_by_layer.items()}
