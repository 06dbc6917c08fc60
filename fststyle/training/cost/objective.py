"""The cost of a stylized picture, defined once for training, optimizing and evaluating.

    total = content_weight · content + style_weight · style + tv_weight · total variation
            [+ grid_weight · grid + temporal_weight · temporal, where a network is trained]

In the default, *relative* form every term is dimensionless and calibrated, so that weights of 1 look right for most
paintings with any loss network, layers and picture size.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from fststyle.training.cost import losses
from fststyle.training.cost.loss_network import Architecture, LossNetwork, Pooling
from fststyle.training.cost.sides import SIDES, seen_from
from fststyle.training.cost.weights import TAUGHT_LAYERS

# The calibration of the relative form. A picture in the painting's style that still shows its content has a relative
# content loss of about 1 and a relative style loss of a few hundredths; these factors make the two pull alike.
_STYLE_CALIBRATION = 15.0
_TV_CALIBRATION = 2.0
_GRID_CALIBRATION = 10.0
_TEMPORAL_CALIBRATION = 50.0  # a mean squared difference of 0.01, 25 gray levels, counts half

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


class PerceptualObjective:
    """A cost with its loss network and a painting's style matrices: ready to judge pictures.

    Deliberately no `nn.Module`: held by one, it would carry the loss network into every checkpoint.

    Args:
        cost: What to minimize.
        style: The painting, (1, 3, H, W), RGB in [0, 1], at the size at which its strokes shall appear. Of several the
            mean of their style matrices is the target: the least sum of squared distances to all of them, up to a
            constant. None is needed without style layers.
        style_mix: How much each of several paintings counts; equally if not given.
        photos: For `Cost.normalize_channels`: pictures (1, 3, H, W) over which the mean activations are taken.
        loss_network: A loaded network to be used instead of the one that `cost` names. It is taken as it is.

    Raises:
        WeightsError: If the loss network's weights are missing or do not fit.
        ValueError: If a layer is unknown, a painting is missing or too small for the deepest layer, or the mix does not
            fit the paintings.
    """

    def __init__(
        self,
        cost: Cost,
        style: Tensor | Sequence[Tensor] = (),
        *,
        style_mix: Sequence[float] | None = None,
        photos: Iterable[Tensor] = (),
        loss_network: LossNetwork | None = None,
    ) -> None:
        self.cost = cost
        if loss_network is None:
            loss_network = load_loss_network(cost, photos)
        # Convolutions as deep as VGG's run a fifth faster with the channels last, on CPUs as on tensor cores.
        self.loss_network = loss_network.to(memory_format=torch.channels_last)
        styles = [style] if isinstance(style, Tensor) else list(style)
        if cost.style_layers and not styles:
            raise ValueError("style layers need a painting; give one, or no style layers")
        self.style_grams = self._mean_grams(styles, [1.0] * len(styles) if style_mix is None else list(style_mix))
        self._turned_grams: list[dict[str, Tensor]] = []

    @property
    def sides(self) -> int:
        """From how many sides it can judge."""
        return 1 + len(self._turned_grams)

    def look_from_all_sides(self, style: Tensor) -> None:
        """Take the painting's style matrices from the other sides, too (`sides.py`); (1, 3, H, W), RGB in [0, 1]."""
        self._turned_grams = [self._mean_grams([seen_from(style, side)], [1.0]) for side in range(1, SIDES)]

    @torch.no_grad()
    def _mean_grams(self, styles: list[Tensor], mix: list[float]) -> dict[str, Tensor]:
        if len(mix) != len(styles) or any(not 0 <= share <= 1e6 for share in mix) or (mix and not sum(mix)):
            raise ValueError(f"the mix {mix} does not fit {len(styles)} paintings; give each a share of 0 or more")
        grams: dict[str, Tensor] = {}
        for style, share in zip(styles, mix, strict=True):
            seen = self.loss_network.see(style, self.cost.style_layers) if self.cost.style_layers else {}
            for layer, x in seen.items():
                gram = self.loss_network.style_matrix(layer, x) * (share / sum(mix))
                grams[layer] = grams[layer] + gram if layer in grams else gram
        return grams

    def to(self, device: torch.device) -> "PerceptualObjective":
        """Move network and style matrices, in place."""
        self.loss_network.to(device)
        self.style_grams, *self._turned_grams = (
            {layer: gram.to(device) for layer, gram in grams.items()}
            for grams in (self.style_grams, *self._turned_grams)
        )
        return self

    @torch.no_grad()
    def content_features(self, content: Tensor, side: int = 0) -> dict[str, Tensor]:
        """What `terms` compares with: activations of photos (B, 3, H, W), no deeper than the content layers need."""
        layers = self.cost.content_layers
        return self.loss_network(seen_from(content, side), layers) if layers else {}

    def terms(
        self,
        stylized: Tensor,
        content_features: dict[str, Tensor],
        style_share: Tensor | None = None,
        side: int = 0,
        *,
        style_weight: float | None = None,
        style_grams: Mapping[str, Tensor] | None = None,
    ) -> CostTerms:
        """Judge pictures, differentiably.

        Args:
            stylized: (B, 3, H, W), RGB in [0, 1].
            content_features: Of the photos that they were made from, from `content_features`.
            style_share: How much of style and smoothness counts for each picture, (B,), in these terms and in their
                sum; all of it if not given.
            side: From which the loss network looks, as it did at the photos; below `sides`.
            style_weight: In place of the cost's.
            style_grams: In place of the painting's style matrices: by layer, (1, C, C) or (B, C, C).
        """
        network, seen = self.loss_network, self.loss_network.see(seen_from(stylized, side))
        if style_grams is None:
            style_grams = self._turned_grams[side - 1] if side else self.style_grams
        if style_weight is None:
            style_weight = self.cost.style_weight
        read = {layer: network.read(layer, seen[layer]) for layer in content_features}
        with torch.autocast(stylized.device.type, enabled=False):
            # The mean, so that neither weight depends on the batch size or on how many layers are listed.
            content = _mean([self._content(read[layer], x) for layer, x in content_features.items()], stylized)
            style_by_layer = {
                layer: _shared_mean(self._style(network.style_matrix(layer, seen[layer]), gram), style_share)
                for layer, gram in style_grams.items()
            }
            style = _mean(list(style_by_layer.values()), stylized)
            if self.cost.form == "relative":
                variation = _shared_mean(losses.mean_total_variation_loss(stylized), style_share)
                style_scale, tv_scale = _STYLE_CALIBRATION, _TV_CALIBRATION
            else:
                variation = _shared_mean(losses.total_variation_loss(stylized), style_share)
                style_scale, tv_scale = float(len(style_grams)), 1.0
            total = (
                self.cost.content_weight * content
                + style_weight * style_scale * style
                + self.cost.tv_weight * tv_scale * variation
            )
        return CostTerms(content, style, variation, total, style_by_layer)

    def with_grid(self, terms: CostTerms, stylized: Tensor, share: float = 1.0) -> CostTerms:
        """Add the term against ripples.

        Args:
            terms: Of a batch.
            stylized: Its pictures, (B, 3, H, W), which begin where the network's grid does.
            share: How much of the term counts in the sum.
        """
        with torch.autocast(stylized.device.type, enabled=False):
            mean = losses.grid_loss(stylized).mean()
        return terms._replace(grid=mean, total=terms.total + share * self.cost.grid_weight * _GRID_CALIBRATION * mean)

    def with_temporal(self, terms: CostTerms, temporal: Tensor) -> CostTerms:
        """Add the steadiness term.

        Args:
            terms: Of a batch.
            temporal: From `temporal.temporal_loss`, (B,).
        """
        mean = temporal.mean()
        total = terms.total + self.cost.temporal_weight * _TEMPORAL_CALIBRATION * mean
        return terms._replace(temporal=mean, total=total)

    def _content(self, features: Tensor, target: Tensor) -> Tensor:
        if self.cost.form == "relative":
            return losses.relative_content_loss(features, target).mean()
        return losses.content_loss(features, target).mean() / target[0].numel()

    def _style(self, gram: Tensor, target: Tensor) -> Tensor:
        if self.cost.form == "relative":
            return losses.relative_style_loss(gram, target)
        return losses.style_loss(gram, target)


def load_loss_network(cost: Cost, photos: Iterable[Tensor]) -> LossNetwork:
    """The network that a cost sees with, its channels normalized over `photos` if the cost says so.

    Raises:
        WeightsError: If its weights are missing or do not fit.
        ValueError: If a layer is unknown, or a distilled network is to see with channels that are not normalized.
    """
    network = LossNetwork.load(
        cost.architecture,
        cost.layers,
        weights=cost.weights_file,
        pooling=cost.pooling,
        any_scale=cost.normalize_channels,
    )
    if network.distilled:
        if not cost.normalize_channels:
            raise ValueError(
                f"{cost.architecture} sees as VGG-19 with normalized channels; set normalize_channels, or use vgg19"
            )
        if untaught := [layer for layer in cost.layers if layer not in TAUGHT_LAYERS]:
            warnings.warn(
                f"{cost.architecture} was not taught {', '.join(untaught)}, and sees less there than VGG-19; "
                f"use layers of {', '.join(TAUGHT_LAYERS)}, or vgg19",
                stacklevel=2,
            )
    elif cost.normalize_channels:
        network.normalize_channels(photos)
    return network


def _mean(values: Sequence[Tensor], like: Tensor) -> Tensor:
    return torch.stack(list(values)).mean() if values else torch.zeros((), device=like.device)


def _shared_mean(values: Tensor, shares: Tensor | None) -> Tensor:
    return (values if shares is None else values * shares).mean()
