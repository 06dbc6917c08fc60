#!/usr/bin/env python
"""Train networks in several ways and judge them all alike: by the full VGG-19, on the ten sample photos at 256².

    python scripts/benchmarks/compare_training.py --style painting.jpg --photos photos/
                                       --ways medium,vgg19 --budget "--steps 800" --out runs/compare

Ways: `slim`, `medium` and `vgg19` train from nothing with that loss network, `base-slim` and so on from the base that
ships, `predicted-slim` and so on from what is predicted from the painting; `norms-slim` and so on train only the gains
and shifts of that. `johnson-slim` and so on are Johnson's network from nothing. One that is trained already is only
judged again.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from fststyle import samples
from fststyle.model.defaults import STYLE_SIZE
from fststyle.model.file import read_model
from fststyle.system.files import atomic_write
from fststyle.training.cost.objective import Cost
from fststyle.training.judge.evaluate import Model, evaluate
from fststyle.training.judge.evaluation import Settings

JUDGES = {
    "slim": ["--loss-network", "slim"],
    "medium": ["--loss-network", "medium"],
    "vgg19": ["--loss-network", "vgg19"],
}
STARTS = {
    "": ["--init", "none"],
    "base-": ["--init", "base"],
    "predicted-": ["--init", "predicted"],
    "norms-": ["--init", "predicted", "--only-norms"],
    "johnson-": ["--init", "none", "--network", "johnson"],
}
WAYS = {start + judge: [*STARTS[start], *JUDGES[judge]] for start in STARTS for judge in JUDGES}


def train(way: str, arguments: argparse.Namespace) -> Path:
    """The exported network."""
    run = arguments.out / way
    model: Path = run / f"{way}.onnx"
    if model.exists():
        return model
    command = [sys.executable, "-m", "fststyle", "train", "--style", str(arguments.style), "--name", way]
    command += ["--style-size", str(arguments.style_size), "--photos", str(arguments.photos)]
    command += ["--size", "256"]  # equal steps for all, whatever the photos
    command += ["--output", str(run), *shlex.split(arguments.budget)]
    command += WAYS[way]
    if way.endswith("vgg19") and arguments.weights is not None:
        command += ["--weights", str(arguments.weights)]
    if (run / "last.ckpt").exists():
        command.append("--resume")
    subprocess.run(command, check=True)
    subprocess.run([sys.executable, "-m", "fststyle", "export", str(run / "last.ckpt"), str(model)], check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--style-size", type=int, default=STYLE_SIZE, help="of the painting, shorter side in pixels")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="of VGG-19. Default: those that ship")
    parser.add_argument("--ways", default="medium,vgg19", help=f"of {', '.join(WAYS)}, with commas")
    parser.add_argument("--budget", default="--steps 800", help="more of fststyle train's options")
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    arguments = parser.parse_args()
    if unknown := set(arguments.ways.split(",")) - set(WAYS):
        parser.error(f"no such ways: {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")

    models = [Model.load(train(way, arguments), name=way) for way in arguments.ways.split(",")]
    cost = Cost(loss_network="vgg19", weights=arguments.weights)
    settings = Settings(iterations=0, speed_side=0, sizes=(), style_size=arguments.style_size)
    found = evaluate(models, samples.photos(), arguments.style, cost=cost, settings=settings)
    rows = {}
    print(f"{'way':<17} steps  content   style   total    grid   rim")
    for scores in found.models:
        card = read_model(arguments.out / scores.name / f"{scores.name}.onnx").card
        steps = card.steps if card else 0
        mean = scores.mean()
        rows[scores.name] = mean | {"steps": steps}
        costs = "  ".join(f"{mean[name]:7.4f}" for name in ("content_loss", "style_loss", "total_loss"))
        print(f"{scores.name:<17} {steps:5d} {costs} {mean['grid']:6.2f} {mean['rim_contrast']:6.3f}")
    atomic_write(arguments.out / "scores.json", json.dumps(rows, indent=1).encode())


if __name__ == "__main__":
    main()
