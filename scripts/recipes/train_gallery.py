#!/usr/bin/env python
"""Train the networks of models/, unattended; interrupted, the same command goes on.

    python scripts/recipes/train_gallery.py --photos photos/ --paintings paintings/ --weights vgg19.safetensors
    python scripts/recipes/train_gallery.py … --network tiny --minutes 4 --only udnie
    python scripts/recipes/train_gallery.py … --only scream -- --style-size 320   # after --: for fststyle train
    python scripts/recipes/train_gallery.py … --further --minutes 8 -- --learning-rate 0.0025 --dark 0.25
    python scripts/recipes/train_gallery.py --no-training   # after files were put into models/ by hand

It writes a sheet with a row a style, and `fststyle train-many` trains what the sheet says: a style that fails is
listed, and the others go on. On two CPU cores with AMX a `fast` network takes ten minutes, on others three times as
long.

Each begins with the base that ships, or with --from where an earlier run of scripts/recipes/train_base.py left its
styles; a `tiny` one learns from the network of the same style that lies in models/. In the end models/SHA256SUMS,
models/registry.json and models/expected/ say what the files are, which of them the wheel leaves out, and what they make
of a small photo; the tests hold them to it.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import onnx
import typer
import yaml

from fststyle import samples
from fststyle.commands.train_many import train_many
from fststyle.errors import FststyleError
from fststyle.model.defaults import STYLE_SIZE
from fststyle.model.fetch import Remote
from fststyle.model.file import read_model, write_model
from fststyle.model.gallery import REGISTRY
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side, write_picture
from fststyle.system.files import atomic_write
from fststyle.training.many.plan import RUNS
from fststyle.training.many.report import RESULTS
from fststyle.training.many.sheet import common_settings

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"

# A config's name and its painting's file, without suffix. The config has the size at which the painting is looked at.
PAINTINGS = {
    "composition_vii": "kandinsky_composition_vii_1913",
    "great_wave": "hokusai_great_wave_1831",
    "pastorales_tahitiennes": "gauguin_pastorales_tahitiennes_1892",
    "saint_paul": "vangogh_landscape_saint_paul_1889",
    "scream": "munch_the_scream_1893",
    "starry_night": "vangogh_starry_night_1889",
    "udnie": "picabia_udnie_1913",
    "wheat_field": "vangogh_wheat_field_1889",
    "adele": "klimt_adele_bloch_bauer_1907",
    "arai": "hiroshige_arai_1833",
    "dance": "mucha_dance_1898",
    "ink_landscape": "song_landscape",
    "looking_glass": "tenniel_looking_glass_battle_1871",
    "mondrian": "mondrian_red_blue_yellow_1930",
    "mosaic": "roman_mosaic_ducks",
    "owl": "potter_old_brown_1903",
    "parliament": "monet_houses_of_parliament_1904",
    "red_chalk": "anonymous_woman_in_peasant_dress",
}
SAMPLE_STYLES = ("glass", "swirls")
STYLES = (*PAINTINGS, *SAMPLE_STYLES)


SHEET = "styles.jsonl"

# With a name that no network has.
_PHOTO = "_photo.png"


def find_paintings(folder: Path, names: set[str]) -> dict[str, Path]:
    """The pictures of styles, by the styles' names.

    Raises:
        FststyleError: The folder lacks some.
    """
    files = {path.stem: path for path in find_images(folder)}
    wanted = {name: stem for name, stem in PAINTINGS.items() if name in names}
    if missing := [stem for stem in wanted.values() if stem not in files]:
        raise FststyleError(f"{folder} lacks {', '.join(missing)}; the table PAINTINGS has the names of all files")
    return {name: files[stem] for name, stem in wanted.items()} | {
        name: samples.style(name) for name in SAMPLE_STYLES if name in names
    }


def style_size(name: str) -> int:
    """Shorter side at which a style's painting is looked at, as its config says."""
    said = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text("utf-8"))
    return int(said.get("style-size", STYLE_SIZE))


def in_models(style: str, network: str) -> Path:
    """A network in models/: with the style's name alone if it is of the default architecture."""
    return MODELS / f"{style if network == 'fast' else f'{style}_{network}'}.onnx"


def row(arguments: argparse.Namespace, name: str, painting: Path) -> dict[str, Any]:
    """What the sheet says of a style; None where it says nothing."""
    shared = arguments.start and arguments.start.absolute() / f"{painting.stem}_{style_size(name)}.ckpt"
    return {
        "style": painting.absolute(),
        "name": name,
        "config": ROOT / "configs" / f"{name}.yaml",
        "init": in_models(name, arguments.network) if arguments.further else shared or "base",
        "teacher": in_models(name, "fast") if arguments.network == "tiny" else None,
        "network": arguments.network,
        "photos": arguments.photos.absolute(),
        "loss-network": "vgg19",
        "weights": arguments.weights and arguments.weights.absolute(),
        "size": arguments.crop,
        "batch-size": arguments.batch,
        "minutes": arguments.minutes,
        "steps": None if arguments.minutes else arguments.steps,
        # The end is judged in any case.
        "trainer.val_check_interval": 1_000_000 if arguments.minutes else arguments.steps,
        "license": "MIT",
        **common_settings(arguments.settings),
    }


def train(arguments: argparse.Namespace) -> int:
    """Train the styles that are not done yet, and put those that are into models/; returns the exit status."""
    facts: dict[str, dict[str, Any]] = {name: {} for name in arguments.only}
    pictures = find_paintings(arguments.paintings, set(facts))
    folder: Path = arguments.out.absolute() / arguments.network
    lines = [json.dumps(row(arguments, name, pictures[name]), default=str) + "\n" for name in facts]
    atomic_write(folder / SHEET, "".join(lines).encode())
    for name in facts:
        if arguments.photos_are:
            facts[name]["photos"] = arguments.photos_are
        if arguments.further and (network := in_models(name, arguments.network)).exists():
            facts[name]["steps_before"] = steps_before(network, folder / RUNS / name / "steps_before")
    status = 0
    try:
        train_many(folder / SHEET, output=folder)
    except typer.Exit as end:
        status = end.exit_code
    with (folder / RESULTS).open(encoding="utf-8", newline="") as results:
        for found in csv.DictReader(results):
            if found["status"] == "done":
                name = found["name"]
                place(folder / found["network"], in_models(name, arguments.network), facts[name])
    return status


def steps_before(network: Path, note: Path) -> int:
    """Of the network with which a run begins; noted, for `network` is another one when the run has ended."""
    if not note.exists():
        card = read_model(network).card
        steps = 0 if card is None else int(card.recipe.get("steps_before", 0)) + card.steps
        atomic_write(note, str(steps).encode())
    return int(note.read_text("utf-8"))


def place(trained: Path, network: Path, facts: dict[str, Any]) -> None:
    """Copy a network, with what its training does not know added to its card."""
    file = read_model(trained)
    if file.card is None:
        raise FststyleError(f"{trained} has no card; remove it, and the same command exports it again")
    card = dataclasses.replace(file.card, recipe=file.card.recipe | facts)
    write_model(network, onnx.load_from_string(file.data), card)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_proofs(models: Path) -> None:
    """Note what the files are, and what they make of a photo of 96×96 pixels."""
    folder = models / "expected"
    photo = folder / _PHOTO
    if not photo.exists():
        cat = resize_shorter_side(read_picture(samples.photo_folder() / "cat.jpg").rgb, 192)
        top, left = (cat.shape[0] - 96) // 2, (cat.shape[1] - 96) // 2
        write_picture(photo, cat[top : top + 96, left : left + 96])
    rgb = read_picture(photo).rgb
    networks = sorted(models.glob("*.onnx"))
    for path in networks:
        write_picture(folder / f"{path.stem}.png", Stylizer.load(path, "cpu")(rgb))
    for stale in {path.stem for path in folder.glob("[!_]*.png")} - {path.stem for path in networks}:
        (folder / f"{stale}.png").unlink()
    lines = [f"{sha256(path)}  {path.name}\n" for path in networks]
    atomic_write(models / "SHA256SUMS", "".join(lines).encode())
    atomic_write(models / REGISTRY, registry(networks).encode())


def left_out() -> list[str]:
    """The patterns of what the wheel leaves out, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    return patterns


def registry(networks: list[Path]) -> str:
    """What fststyle knows of the networks that the wheel leaves out."""
    patterns = left_out()
    entries: dict[str, dict[str, Any]] = {}
    for path in networks:
        card = read_model(path).card
        if card is not None and any(fnmatch(f"models/{path.name}", pattern) for pattern in patterns):
            size, digest = path.stat().st_size, sha256(path)
            remote = Remote(card.style, card.painting, card.network, card.licence, size, digest)
            entries[path.stem] = dataclasses.asdict(remote)
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog=__doc__.split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--photos", type=Path, help="folder of photos to train on")
    parser.add_argument("--photos-are", help="what they are, for the cards")
    parser.add_argument("--paintings", type=Path, help="folder of paintings")
    parser.add_argument("--weights", type=Path, help="of VGG-19; torchvision's are fetched if not given")
    parser.add_argument("--network", default="fast", help="fast, johnson or tiny")
    parser.add_argument("--from", dest="start", type=Path, help="styles/ of a run of scripts/recipes/train_base.py")
    parser.add_argument("--further", action="store_true", help="begin with what lies in models/")
    parser.add_argument("--steps", type=int, default=3000, help="of each")
    parser.add_argument("--minutes", type=float, help="of each, instead of steps")
    parser.add_argument("--size", "--crop", dest="crop", default="256", help="side of the crops, or several: 256,512")
    parser.add_argument("--batch-size", "--batch", dest="batch", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=STYLES, default=STYLES, metavar="NAME", help=", ".join(STYLES))
    parser.add_argument(
        "-o",
        "--output",
        "--out",
        dest="out",
        type=Path,
        default=Path("runs/gallery"),
        help="of the runs; a folder each architecture",
    )
    parser.add_argument("--no-training", action="store_true", help="only note what lies in models/")
    parser.add_argument("settings", nargs="*", metavar="-- SETTING", help="for fststyle train, instead of a config's")
    arguments = parser.parse_args()
    if not arguments.no_training and not (arguments.photos and arguments.paintings):
        parser.error("give --photos and --paintings, or --no-training")
    try:
        status = 0 if arguments.no_training else train(arguments)
        write_proofs(MODELS)
    except FststyleError as error:
        sys.exit(f"error: {error}")
    print(f"{len(list(MODELS.glob('*.onnx')))} networks in {MODELS}")
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
