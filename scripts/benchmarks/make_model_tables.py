#!/usr/bin/env python
"""The tables of docs/benchmarks.md: our networks, and others' of the same paintings, on the ten sample photos.

    python scripts/benchmarks/make_model_tables.py --styles paintings/ --peers others/ --weights vgg19.safetensors \
        --cache scores/

Ours say in their cards which painting they were trained with, and in which size. Others' files are named
maker_style_layout.onnx. In which size their painting was is not known: each is tried at several and judged at the one
that suits it best, the one of lowest cost. Networks for one size of picture get photos of that size.

Scores lie in the cache, a file a painting, and are taken from there as long as the networks are the same.
"""

import argparse
import dataclasses
import hashlib
import json
import statistics
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast, get_args

import torch

from fststyle import samples
from fststyle.model.file import read_model
from fststyle.paint.stylizer import Layout
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side
from fststyle.system.files import atomic_write, replace_marked
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.judge.evaluate import Model, evaluate
from fststyle.training.judge.evaluation import Settings
from fststyle.training.judge.json_form import as_json
from fststyle.training.tensors import reference_photos, unit_range

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- scores, written by scripts/benchmarks/make_model_tables.py -->", "<!-- end of scores -->"
STYLE_SIZES = (256, 320, 512, 768)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A network's file, and what its name or card says."""

    path: Path
    style: str
    layout: Layout
    ours: bool

    @property
    def name(self) -> str:
        """As the tables have it."""
        return self.path.stem if self.ours else self.path.stem.removesuffix(f"_{self.layout}")

    def sha256(self) -> str:
        """Of the file, in hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def find_networks(models: Path, peers: Path | None) -> list[Entry]:
    entries = []
    for path in sorted(models.glob("*.onnx")):
        card = read_model(path).card
        if card is not None:
            entries.append(Entry(path, card.style, "rgb1", ours=True))
    for path in sorted(peers.glob("*.onnx")) if peers else []:
        words = path.stem.split("_")
        if len(words) < 3 or words[-1] not in get_args(Layout):
            sys.exit(f"error: {path.name} is not called maker_style_layout.onnx")
        entries.append(Entry(path, words[1], cast(Layout, words[-1]), ours=False))
    return entries


def find_paintings(folder: Path) -> list[Path]:
    """The pictures in a folder, and the package's sample styles."""
    return sorted([*find_images(folder), *samples.styles()])


def painting_of(entry: Entry, paintings: list[Path]) -> Path | None:
    """The one that a network was trained with; None if it is not at hand."""
    return next((path for path in paintings if entry.style in path.stem), None)


def best_style_size(model: Model, size: int, painting: Path, cost: Cost) -> dict[int, float]:
    """The mean total cost on the sample photos for every size of the painting."""
    squares = [photo.permute(1, 2, 0).numpy() for photo in ValidationPhotos(samples.photos(), size)]
    pairs = [(unit_range(model.stylize(square)), unit_range(square)) for square in squares]
    rgb, totals, network = read_picture(painting).rgb, {}, None
    for style_size in STYLE_SIZES:
        style = unit_range(resize_shorter_side(rgb, style_size))
        objective = PerceptualObjective(cost, style, photos=reference_photos(), loss_network=network)
        network = objective.loss_network
        with torch.no_grad():
            costs = [objective.terms(picture, objective.content_features(square)).total for picture, square in pairs]
        totals[style_size] = statistics.fmean(map(float, costs))
    return totals


def judge(painting: Path, entries: list[Entry], cost: Cost, iterations: int, earlier: dict[str, Any]) -> dict[str, Any]:
    """Networks that are judged in the same sizes share the optimizer's run.

    What `earlier` says of files that are the same is taken from there.
    """
    files = {entry.name: entry.sha256() for entry in entries}
    known = {name for name, digest in files.items() if earlier.get("files", {}).get(name) == digest}
    groups: dict[tuple[int, int], list[Model]] = {}
    tried: dict[str, dict[int, float]] = {}
    for entry in entries:
        model = Model.load(entry.path, layout=entry.layout, name=entry.name)
        size = model.sides[0] if model.sides else Settings.size
        style_size = model.style_size
        if style_size is None and model.name in known:
            tried[model.name] = {int(side): total for side, total in earlier["tried"][model.name].items()}
        elif style_size is None:
            tried[model.name] = best_style_size(model, size, painting, cost)
        if model.name in tried:
            style_size = min(tried[model.name], key=tried[model.name].__getitem__)
        groups.setdefault((size, style_size), []).append(model)
    found = []
    for (size, style_size), models in groups.items():
        names = {model.name for model in models}
        same = [
            evaluation
            for evaluation in earlier.get("evaluations", [])
            if {model["name"] for model in evaluation["models"]} == names <= known
            and earlier["iterations"] == iterations
        ]
        if same:
            found += same
            continue
        settings = Settings(size=size, style_size=style_size, iterations=iterations, sizes=())
        found.append(as_json(evaluate(models, samples.photos(), painting, cost=cost, settings=settings, progress=_say)))
    return {"files": files, "iterations": iterations, "tried": tried, "evaluations": found}


def table(found: dict[str, Any]) -> Iterable[str]:
    yield "| network | photos | painting | content | style | total | L-BFGS | grid | border | rim | flicker | time |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for evaluation in found["evaluations"]:
        sizes = f"{evaluation['settings']['size']}² | {evaluation['settings']['style_size']}"
        johnson = evaluation["johnson_speed"]["per_megapixel"]
        for model in (*evaluation["models"], evaluation["photos"] | {"name": "*the photos*"}):
            ours = model["name"] if model["name"].startswith("*") else f"`{model['name']}`"
            speed = f"{model['speed']['per_megapixel'] / johnson:.2f}" if model["speed"] else ""
            mean = model["mean"]
            costs = " | ".join(f"{mean[f'{name}_loss']:.3g}" for name in ("content", "style", "total"))
            rest = " | ".join(f"{mean[name]:.3g}" for name in ("grid", "border", "rim_contrast", "flicker"))
            limit = evaluation["settings"]["iterations"]
            yield f"| {ours} | {sizes} | {costs} | {_iterations(model, limit)} | {rest} | {speed} |"
    for name, totals in found["tried"].items():
        listed = ", ".join(f"{float(total):.3g} at {size}" for size, total in totals.items())
        yield f"\n`{name}` with its painting in other sizes: total {listed}."


def _iterations(model: dict[str, Any], limit: int) -> str:
    if "iterations" not in model or not limit:
        return ""
    numbers = [model["iterations"][name] for name in ("median", "least", "most")]
    median, least, most = (f"> {limit}" if number is None else f"{number:g}" for number in numbers)
    return f"{median} ({least} to {most})"


def text_of(tables: dict[str, dict[str, Any]], unmatched: list[str]) -> str:
    explained = (
        "Means over the ten sample photos, middle squares. [Optimize, evaluate, explain](judge.md) explains every "
        "score. *Painting* is its shorter side: the one of the training, or, for networks of others, the one of "
        f"{', '.join(map(str, STYLE_SIZES))} that suits them best. *L-BFGS* is the median number of iterations with "
        "the least and the most. *Time* is relative to our untrained `johnson` network for as many pixels on the CPU, "
        "with the conversion of pixels. Rows of other picture sizes compare with their own row of photos."
    )
    lines = ["## Scores", "", textwrap.fill(explained, 120, break_on_hyphens=False)]
    for painting, found in tables.items():
        lines += ["", f"### {painting}", "", *table(found)]
    if unmatched:
        lines += ["", f"Not judged, as their painting is not at hand: {', '.join(unmatched)}."]
    return "\n".join(lines)


def write_page(text: str) -> None:
    page = PAGE.read_text("utf-8")
    if BEGIN not in page:
        page = f"{page.rstrip()}\n\n{BEGIN}\n{END}\n"
    atomic_write(PAGE, replace_marked(page, BEGIN, END, f"\n\n{text}\n\n").encode())


def _say(what: str, done: int, of: int) -> None:
    if not what.startswith("optimizing"):
        print(f"  {what} ({done} of {of})", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--styles", type=Path, required=True, help="folder of paintings")
    parser.add_argument("--peers", type=Path, help="folder of others' networks")
    parser.add_argument("--weights", type=Path, help="of VGG-19")
    parser.add_argument("--cache", type=Path, required=True, help="folder for scores, to go on from")
    parser.add_argument(
        "--iterations", type=int, default=Settings.iterations, help="of L-BFGS at most; 0: no such column"
    )
    arguments = parser.parse_args()

    paintings = find_paintings(arguments.styles)
    by_painting: dict[Path, list[Entry]] = {}
    unmatched = []
    for entry in find_networks(ROOT / "models", arguments.peers):
        painting = painting_of(entry, paintings)
        if painting is None:
            unmatched.append(f"`{entry.name}`")
        else:
            by_painting.setdefault(painting, []).append(entry)
    tables = {}
    for painting, entries in sorted(by_painting.items()):
        cached = arguments.cache / f"{painting.stem}.json"
        found = json.loads(cached.read_text("utf-8")) if cached.exists() else {}
        files = {entry.name: entry.sha256() for entry in entries}
        if (found.get("files"), found.get("iterations")) != (files, arguments.iterations):
            print(f"{painting.stem}: {', '.join(entry.name for entry in entries)}", file=sys.stderr, flush=True)
            cost = Cost(loss_network="vgg19", weights=arguments.weights)
            found = judge(painting, entries, cost, arguments.iterations, found)
            atomic_write(cached, json.dumps(found, indent=1).encode())
            found = json.loads(cached.read_text("utf-8"))
        tables[painting.stem] = found
    write_page(text_of(tables, unmatched))


if __name__ == "__main__":
    main()
