"""The cost of a stylized picture, defined once for training, optimizing and evaluating.

    total = content_weight · content + style_weight · style + tv_weight · total variation

A network in training has further terms: `fit/step_cost.py`. In the default, *relative* form every term is dimensionless
and calibrated: weights of 1 look right for most paintings, with any loss network, layers and picture size.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from fststyle.system.warn import warn
from fststyle.training.cost import losses
from fststyle.training.cost.cost import TERM_NAMES, Cost, CostTerms, Form
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.parts import cut, parts_along
from fststyle.training.cost.sides import SIDES, seen_from
from fststyle.training.cost.wasserstein import PaintingValues, some_positions
from fststyle.training.cost.weights import TAUGHT_LAYERS

__all__ = ["TERM_NAMES", "Cost", "CostTerms", "Form", "PerceptualObjective", "load_loss_network"]

# The calibration of the relative form. A picture in the painting's style that still shows its content has a relative
# content loss of about 1 and a relative style loss of a few hundredths; these factors make the two pull alike.
_STYLE_CALIBRATION = 15.0
_TV_CALIBRATION = 2.0
_GRID_CALIBRATION = 10.0
_TEMPORAL_CALIBRATION = 50.0  # a mean squared difference of 0.01, 25 gray levels, counts half


class PerceptualObjective:
    """Judges pictures: a cost, its loss network, and a painting's style matrices.

    It is no `nn.Module`, because a module that holds it would then save the loss network in every checkpoint.

    Args:
        cost: What to minimize.
        style: The painting, (1, 3, H, W), RGB in [0, 1]; its strokes appear in the size that they have in it. For
            several paintings the target is the mean of their style matrices, which has the least sum of squared
            distances to all of them. Without style layers none is needed.
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
        self._values = PaintingValues(self._some_activations(styles[0])) if cost.minds_wasserstein else None

    @property
    def sides(self) -> int:
        """How many sides it can judge from (`sides.py`)."""
        return 1 + len(self._turned_grams)

    def look_from_all_sides(self, style: Tensor) -> None:
        """Compute the style matrices of the painting, (1, 3, H, W) in [0, 1], from the other sides too (`sides.py`)."""
        self._turned_grams = [self._mean_grams([seen_from(style, side)], [1.0]) for side in range(1, SIDES)]
        if self._values is not None:
            for side in range(1, SIDES):
                self._values.add_side(self._some_activations(seen_from(style, side)))

    @torch.no_grad()
    def _some_activations(self, images: Tensor) -> dict[str, Tensor]:
        return self._read_some(self.loss_network.see(images, self.cost.style_layers))

    def _read_some(self, seen: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Reading works on each position for itself: where only some are compared, the others are left out before."""
        return {layer: self.loss_network.read(layer, some_positions(seen[layer])) for layer in self.cost.style_layers}

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
        """Move the loss network and the style matrices, in place."""
        self.loss_network.to(device)
        self.style_grams, *self._turned_grams = (
            {layer: gram.to(device) for layer, gram in grams.items()}
            for grams in (self.style_grams, *self._turned_grams)
        )
        if self._values is not None:
            self._values.to(device)
        return self

    def grams_by_side(self) -> dict[str, Tensor]:
        """The painting's style matrices from each side, by layer: (sides, C, C)."""
        by_side = (self.style_grams, *self._turned_grams)
        return {layer: torch.cat([grams[layer] for grams in by_side]) for layer in self.style_grams}

    @torch.no_grad()
    def content_features(self, content: Tensor, side: int = 0) -> dict[str, Tensor]:
        """The activations of photos, (B, 3, H, W), that `terms` compares with, by content layer."""
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
        in_training: bool = False,
    ) -> CostTerms:
        """Judge pictures, differentiably.

        Args:
            stylized: (B, 3, H, W), RGB in [0, 1].
            content_features: What `content_features` gives for their photos.
            style_share: Factor of style and smoothness for each picture, (B,); it also scales the terms themselves. 1
                if not given.
            side: The side that the loss network looks from, the same as for the photos; below `sides`.
            style_weight: In place of the cost's.
            style_grams: In place of the painting's style matrices: by layer, (1, C, C) or (B, C, C).
            in_training: Whether parts and distributions count, as `Cost.local_weight` and `wasserstein_weight` say.

        Raises:
            ValueError: Distributions count, but `style_grams` are given, which do not hold them.
        """
        network, seen = self.loss_network, self.loss_network.see(seen_from(stylized, side))
        values = self._values if in_training else None
        if values is not None and style_grams is not None:
            raise ValueError("wasserstein_weight needs one painting; leave it at 0 for several")
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
            local = None
            count = parts_along(min(stylized.shape[-2:])) if in_training and self.cost.minds_parts else 0
            if count:
                local = self._local(seen, style_grams, len(stylized), count, style_share)
                total = total + self.cost.local_weight * style_weight * style_scale * local
            sliced = None
            if values is not None:
                sliced = _shared_mean(values.distances(self._read_some(seen), side), style_share)
                total = total + self.cost.wasserstein_weight * style_weight * style_scale * sliced
        return CostTerms(content, style, variation, total, style_by_layer, local=local, wasserstein=sliced)

    def with_grid(self, terms: CostTerms, stylized: Tensor, share: float | Tensor = 1.0) -> CostTerms:
        """Add the term against ripples.

        Args:
            terms: Of a batch.
            stylized: Its pictures, (B, 3, H, W), which begin where the network's grid does.
            share: Factor of the term in the sum.
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

    def _local(
        self, seen: Mapping[str, Tensor], grams: Mapping[str, Tensor], batch: int, count: int, share: Tensor | None
    ) -> Tensor:
        """The style of the parts, of which `count` lie along the shorter side; the mean over them and over layers."""
        by_layer = []
        for layer, target in grams.items():
            parts = cut(seen[layer], count)
            each = target if len(target) == 1 else target.repeat_interleave(len(parts) // batch, dim=0)
            found = self._style(self.loss_network.style_matrix(layer, parts), each)
            by_layer.append(_shared_mean(found.view(batch, -1).mean(dim=1), share))
        return torch.stack(by_layer).mean()

    def _style(self, gram: Tensor, target: Tensor) -> Tensor:
        if self.cost.form == "relative":
            return losses.relative_style_loss(gram, target)
        return losses.style_loss(gram, target)


def load_loss_network(cost: Cost, photos: Iterable[Tensor]) -> LossNetwork:
    """Load a cost's loss network; its channels are normalized over `photos` if the cost says so.

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
            warn(
                f"{cost.architecture} was not taught {', '.join(untaught)}, and sees less there than VGG-19; "
                f"use layers of {', '.join(TAUGHT_LAYERS)}, or vgg19"
            )
    elif cost.normalize_channels:
        network.normalize_channels(photos)
    return network


def _mean(values: Sequence[Tensor], like: Tensor) -> Tensor:
    return torch.stack(list(values)).mean() if values else torch.zeros((), device=like.device)


def _shared_mean(values: Tensor, shares: Tensor | None) -> Tensor:
    return (values if shares is None else values * shares).mean()
