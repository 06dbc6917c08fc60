#!/usr/bin/env python
"""Make the VGG-19 that ships: its convolutions up to relu4_1, rounded to 8 bits, and its card.

    python scripts/recipes/encode_vgg19.py vgg19.safetensors

The weights are Simonyan and Zisserman's (ImageNet), as float, under torchvision's names. The card compares the rounded
network with them on the package's sample photos and paintings, at 256². Writes vgg19.safetensors and vgg19.md beside
the other loss networks.
"""

import argparse
from pathlib import Path
from statistics import fmean

from safetensors.torch import load_file, save
from torch import Tensor

from fststyle import samples
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.system.files import atomic_write
from fststyle.training.cost.byte_weights import to_bytes
from fststyle.training.cost.loss_network import LossNetwork, layer_indices
from fststyle.training.cost.objective import Cost, PerceptualObjective, load_loss_network
from fststyle.training.cost.weights import shipped_file
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.distill.fidelity import by_layer, gradient_agreement
from fststyle.training.tensors import reference_photos, unit_range

MODELS = Path(__file__).parents[2] / "models"
PAINTERS = ("starry_night", "udnie", "pastorales_tahitiennes")
DEEPEST = "relu4_1"
CARD = """\
# The loss network vgg19

`vgg19.safetensors`, {megabytes:.2f} MB: VGG-19's convolutions up to {deepest}, rounded to 8 bits with one scale per
output channel. Biases are float32. Made by `scripts/recipes/encode_vgg19.py`, with this page.

- **Weights:** VGG-19, ImageNet, by Karen Simonyan and Andrew Zisserman (Visual Geometry Group, Oxford), "Very Deep
  Convolutional Networks for Large-Scale Image Recognition", CC BY 4.0. Changed: cut after {deepest}, rounded.
- **Scale:** activations are on Caffe's scale, not torchvision's. They are used with normalized channels only, where the
  scale does not matter. `form: literal` without normalized channels downloads torchvision's weights instead.
- **Deeper layers** come from torchvision's file, which is downloaded once, or from `--weights`.

## Fidelity

Against the weights before rounding, both with normalized channels, on the package's ten sample photos at 256² as
painted by {painters}. *Energy*: of the activations, mean. *Content*, *style*: the distance between a photo and
its painting, as activations and as Gram matrices, medians. The value before rounding is 1.

{layers}

The default cost, with the sample styles as paintings: how far it is from the cost before rounding, mean over thirty
paintings of photos, and the cosine between both gradients.

{costs}
"""


def pairs() -> list[tuple[Tensor, Tensor]]:
    """Painted pictures, each with its photo, (1, 3, 256, 256)."""
    squares = [photo.permute(1, 2, 0).numpy() for photo in ValidationPhotos(samples.photos(), 256)]
    made = []
    for name in PAINTERS:
        stylizer = Stylizer.load(MODELS / f"{name}.onnx", "cpu")
        made += [(unit_range(stylizer(square)), unit_range(square)) for square in squares]
    return made


def table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *body))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help="of VGG-19, .safetensors")
    weights: Path = parser.parse_args().weights
    file = shipped_file("vgg19")
    last = layer_indices("vgg19")[DEEPEST]
    state = {name: tensor for name, tensor in load_file(weights).items() if int(name.split(".")[1]) < last}
    atomic_write(file, save(to_bytes(state), {"source": "VGG-19, Simonyan & Zisserman, CC BY 4.0", "format": "pt"}))

    layers = tuple(layer for layer, index in layer_indices("vgg19").items() if index <= last)
    judges: list[LossNetwork] = []
    for source in (None, weights):
        cost = Cost(loss_network="vgg19", weights=source, content_layers=layers, style_layers=layers)
        judges.append(load_loss_network(cost, reference_photos()))
    painted = pairs()
    layer_rows = [
        (layer, f"{each.energy:.4f}", f"{each.content:.4f}", f"{each.style:.4f}")
        for layer, each in by_layer(judges[0], judges[1], painted).items()
    ]
    cost_rows = []
    for style in samples.styles():
        painting = unit_range(resize_shorter_side(read_picture(style).rgb, 320))
        rounded, exact = (
            PerceptualObjective(Cost(loss_network="vgg19", weights=source), painting, photos=reference_photos())
            for source in (None, weights)
        )
        differences: dict[str, list[float]] = {"content_loss": [], "style_loss": [], "total_loss": []}
        for picture, photo in painted:
            costs = [each.terms(picture, each.content_features(photo)).named() for each in (rounded, exact)]
            for term, into in differences.items():
                into.append(abs(float(costs[0][term] / costs[1][term]) - 1))
        cosine = gradient_agreement(rounded, exact, painted)["total"]
        said = (f"{100 * fmean(values):.2f} %" for values in differences.values())
        cost_rows.append((style.stem, *said, f"{cosine:.4f}"))
    text = CARD.format(
        megabytes=file.stat().st_size / 1e6,
        deepest=DEEPEST,
        painters=", ".join(f"`{name}`" for name in PAINTERS),
        layers=table(("layer", "energy", "content", "style"), *layer_rows),
        costs=table(("painting", "content", "style", "total", "gradient"), *cost_rows),
    )
    atomic_write(file.with_suffix(".md"), text.encode())
    print(text)


if __name__ == "__main__":
    main()
