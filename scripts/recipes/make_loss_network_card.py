#!/usr/bin/env python
"""The card of slim or medium: how well it stands in for VGG-19, on pictures that it has not learned from.

    python scripts/recipes/make_loss_network_card.py slim --weights vgg19.safetensors

Judged are the package's ten sample photos at 256², their middle squares: under noise, and painted by three networks of
models/; with the three sample styles as paintings. Writes fststyle/training/cost/slim.md, or medium.md.
"""

import argparse
import textwrap
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from fststyle import samples
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.system.files import atomic_write
from fststyle.training.cost.loss_network import LossNetwork
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.cost.weights import DISTILLED, Distilled, shipped_file
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.distill.fidelity import by_layer, gradient_agreement
from fststyle.training.distill.run import rounds
from fststyle.training.distill.teacher import teacher_layers
from fststyle.training.tensors import reference_photos, unit_range

MODELS = Path(__file__).parents[2] / "models"
# The last two painted none of slim's last lessons.
PAINTERS = ("starry_night", "udnie", "pastorales_tahitiennes")
NOISE = 0.1
CARD_TEXT = """\
# The loss network {name}

`{name}.safetensors`, {megabytes:.2f} MB: a VGG-19 of {how_many} channels that sees what VGG-19 with normalized
channels sees, in its units. Made by `scripts/recipes/distill_loss_network.py`; this page by
`scripts/recipes/make_loss_network_card.py`.

- **Teacher:** VGG-19, ImageNet, by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, Oxford), CC BY 4.0. This
  network is derived from it: changed, and distributed under the same terms.
{lessons}

{rounds}

- **sha256** of its tensors, by name: `{digest}`.

## Fidelity

On the package's sample photos, which it has not learned from, at 256²; VGG-19's value is 1. *Energy*: of the
activations, mean. *Content*, *style*: the distance between a photo and what was made of it, as activations and as Gram
matrices, medians.

{layers}

Cosine between the gradients that the default costs send back to a picture, {name}'s and VGG-19's; the paintings are the
sample styles; it has learned from pictures painted in them, not from themselves:

{gradients}
"""
HOW_MANY: dict[Distilled, str] = {"slim": "few", "medium": "fewer"}
LESSONS = (
    "- **Lessons:** photos (BSDS500's training and test sets), paintings by artists dead for over 70 years, photos "
    "painted by networks that ship, and the mud and noise that networks make in their first steps. "
)
FURTHER: dict[Distilled, str] = {
    "slim": "In every further round also what networks painted that were just being trained with the slim of the round "
    "before: there it is blind. In the fourth round half of these had begun with the base, half from nothing, and "
    "every picture was turned by quarters, at random.",
    "medium": "In the first round also what networks painted that were just being trained with slim, in the second "
    "with the medium of the first; half of these had begun with the base, half from nothing. Every picture was turned "
    "by quarters, at random.",
}


def pictures() -> dict[str, list[tuple[Tensor, Tensor]]]:
    """By kind: pictures to be judged, each with its photo."""
    squares = [photo.permute(1, 2, 0).numpy() for photo in ValidationPhotos(samples.photos(), 256)]
    photos = [unit_range(square) for square in squares]
    generator = torch.Generator().manual_seed(0)
    kinds = {
        "photos under noise": [
            (photo + NOISE * torch.randn(photo.shape, generator=generator)).clamp(0, 1) for photo in photos
        ]
    }
    for name in PAINTERS:
        stylizer = Stylizer.load(MODELS / f"{name}.onnx", "cpu")
        kinds[f"painted by {name}"] = [unit_range(stylizer(square)) for square in squares]
    return {kind: list(zip(made, photos, strict=True)) for kind, made in kinds.items()}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=DISTILLED)
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    arguments = parser.parse_args()
    name: Distilled = arguments.network
    file = shipped_file(name)

    layers = teacher_layers("relu4_1")
    own_cost, vgg_cost = Cost(loss_network=name), Cost(loss_network="vgg19", weights=arguments.weights)
    every = {"content_layers": layers, "style_layers": layers}
    own = LossNetwork.load(name, layers)
    vgg = load_loss_network(Cost(loss_network="vgg19", weights=arguments.weights, **every), reference_photos())
    kinds = pictures()
    found = by_layer(own, vgg, [pair for pairs in kinds.values() for pair in pairs])
    layer_rows = [
        (layer, str(own.readouts[layer].out_channels), f"{each.energy:.3f}", f"{each.content:.3f}", f"{each.style:.3f}")
        for layer, each in found.items()
    ]
    gradient_rows = []
    for style in samples.styles():
        painting = unit_range(resize_shorter_side(read_picture(style).rgb, 320))
        objectives = [PerceptualObjective(cost, painting, photos=reference_photos()) for cost in (own_cost, vgg_cost)]
        for kind, pairs in kinds.items():
            cosines = gradient_agreement(objectives[0], objectives[1], pairs)
            gradient_rows.append((style.stem, kind, *(f"{cosine:.2f}" for cosine in cosines.values())))

    with safe_open(file, "pt") as opened:
        digest = opened.metadata()["sha256 of tensors"]
    taught = rounds(file)
    sources, taught_by = ("photos", "paintings", "painted"), ("steps", "optimizer", "learning_rate", "seed")
    columns = ("lessons", *sources, "side", "batch", *taught_by)
    unsaid = {"optimizer": "adam"}
    round_rows = [
        (str(number), *(str((unsaid | each)[column]) for column in columns)) for number, each in enumerate(taught, 1)
    ]
    text = CARD_TEXT.format(
        name=name,
        megabytes=file.stat().st_size / 1e6,
        how_many=HOW_MANY[name],
        lessons=textwrap.fill(LESSONS + FURTHER[name], 120, subsequent_indent="  "),
        rounds=table(("round", *columns), round_rows),
        digest=digest,
        layers=table(("layer", "channels", "energy", "content", "style"), layer_rows),
        gradients=table(("painting", "pictures", "content", "style", "total"), gradient_rows),
    )
    atomic_write(file.with_suffix(".md"), text.encode())
    print(text)


if __name__ == "__main__":
    main()
