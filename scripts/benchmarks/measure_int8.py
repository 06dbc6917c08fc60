#!/usr/bin/env python
"""What int8 costs the networks of models/: how far it paints from them, and the cost judged by VGG-19.

    python scripts/benchmarks/measure_int8.py --styles paintings/ --weights vgg19.safetensors [--keep int8/]

Costs are means over the sample photos' middle squares of 256 pixels, those of `fststyle evaluate`.
"""

import argparse
import tempfile
from pathlib import Path

from make_model_tables import find_networks, find_paintings, painting_of

from fststyle import samples
from fststyle.errors import ModelFileError
from fststyle.model.file import read_model
from fststyle.runtime.convert import quantize
from fststyle.training.cost.objective import Cost
from fststyle.training.judge.evaluate import Model, evaluate
from fststyle.training.judge.evaluation import Settings

MODELS = Path(__file__).resolve().parents[2] / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--styles", type=Path, required=True, help="folder of paintings")
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    parser.add_argument("--keep", type=Path, help="folder for the int8 networks")
    parser.add_argument("--only", nargs="+", help="names of networks, or of architectures, such as fast")
    arguments = parser.parse_args()
    paintings = find_paintings(arguments.styles)
    cost = Cost(loss_network="vgg19", weights=arguments.weights)
    print("| network | MB | int8, MB | more convolutions in floats | dB | total | int8, total | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        for entry in find_networks(MODELS, None):
            path, painting = entry.path, painting_of(entry, paintings)
            card = read_model(path).card
            asked = arguments.only is None or {path.stem, card and card.network} & set(arguments.only)
            if painting is None or not asked:
                continue
            small = folder / path.name
            row = f"| `{path.stem}` | {path.stat().st_size / 1e6:.2f} |"
            try:
                made = quantize(path, small)
            except ModelFileError as error:
                print(f"{row} {error} | | | | | |", flush=True)
                continue
            models = [Model.load(path, name="fp32"), Model.load(small, name="int8")]
            settings = Settings(
                style_size=models[0].style_size or Settings.style_size, iterations=0, speed_side=0, sizes=()
            )
            judged = evaluate(models, samples.photos(), painting, cost=cost, settings=settings).models
            before, after = (scores.mean()["total_loss"] for scores in judged)
            row += f" {small.stat().st_size / 1e6:.2f} | {made.kept} | {made.psnr:.1f} |"
            print(f"{row} {before:.3f} | {after:.3f} | {after / before:.3f} |", flush=True)


if __name__ == "__main__":
    main()
