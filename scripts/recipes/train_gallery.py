#!/usr/bin/env python
"""Train the networks of models/, unattended; interrupted, the same command goes on.

    python scripts/recipes/train_gallery.py --photos photos/ --paintings paintings/ --weights vgg19.safetensors
    python scripts/recipes/train_gallery.py … --network tiny --minutes 4 --only udnie
    python scripts/recipes/train_gallery.py … --only scream -- --style-size 320   # after --: for fststyle train
    python scripts/recipes/train_gallery.py … --further --minutes 8 -- --learning-rate 0.0025 --dark 0.25
    python scripts/recipes/train_gallery.py --no-training   # after files were put into models/ by hand

On two CPU cores with AMX the ten `fast` networks take ten minutes each, on others three times as long.

Each begins with the base that ships, or with --from where an earlier run of scripts/recipes/train_base.py left its
styles; a `tiny` one learns from the network of the same style that lies in models/. In the end models/SHA256SUMS,
models/registry.json and models/expected/ say what the files are, which of them the wheel leaves out, and what they make
of a small photo; the tests hold them to it.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import yaml

from fststyle import samples
from fststyle.errors import FststyleError
from fststyle.model.defaults import STYLE_SIZE
from fststyle.model.fetch import Remote
from fststyle.model.file import read_model, write_model
from fststyle.model.gallery import REGISTRY
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import find_images, read_picture, resize_shorter_side, write_picture
from fststyle.system.files import atomic_write
from fststyle.system.signals import SignalWatch

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
}
SAMPLE_STYLES = ("glass", "swirls")
STYLES = (*PAINTINGS, *SAMPLE_STYLES)

# The architecture whose networks are too large for the wheel.
LEFT_OUT = "johnson"

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


def run(command: list[object]) -> None:
    """Run a program to its end; a signal is passed on to it once, for its checkpoint.

    Raises:
        SystemExit: It failed or was stopped.
    """
    words = [str(word) for word in command]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    with SignalWatch() as watch:
        process = subprocess.Popen([sys.executable, *words], env=environment, process_group=0)
        while True:
            try:
                status = process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if watch.received is not None:
                    process.send_signal(watch.received)
                    status = process.wait()
                    break
    if status or watch.received:
        sys.exit(f"stopped at: {' '.join(words)}\nthe same command goes on from here")


def config(name: str) -> dict[str, Any]:
    """What a style's config says."""
    said: dict[str, Any] = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text("utf-8"))
    return said


def style_size(name: str) -> int:
    return int(config(name).get("style-size", STYLE_SIZE))


def weights(arguments: argparse.Namespace) -> list[object]:
    return ["--weights", arguments.weights] if arguments.weights else []


def train(arguments: argparse.Namespace, name: str, painting: Path) -> None:
    """One style, and its file."""
    from fststyle.training.checkpoint import read_checkpoint

    file = file_name(name, arguments.network)
    output = MODELS / f"{file}.onnx"
    shared = arguments.start and arguments.start / f"{painting.stem}_{style_size(name)}.ckpt"
    start = output if arguments.further else shared or "base"
    folder: Path = arguments.out / file
    last, exported = folder / "last.ckpt", folder / "exported.sha256"
    done = read_checkpoint(last).steps if last.exists() else None
    finished = exported.exists() if arguments.minutes else done is not None and done >= arguments.steps
    judged_at = 1_000_000 if arguments.minutes else arguments.steps  # the end is, in any case
    before = steps_before(output, folder / "steps_before") if arguments.further else None
    budget = ["--minutes", arguments.minutes] if arguments.minutes else ["--steps", arguments.steps]
    if not finished:
        run(
            [
                *("-m", "fststyle", "train", "--config", ROOT / "configs" / f"{name}.yaml", "--style", painting),
                *("--init", start, *weights(arguments), "--photos", arguments.photos),
                *("--loss-network", "vgg19", "--network", arguments.network),
                *("--style-size", style_size(name)),
                *("--size", arguments.crop, "--batch-size", arguments.batch),
                *(*budget, "--trainer.val_check_interval", judged_at),
                *(("--teacher", MODELS / f"{name}.onnx") if arguments.network == "tiny" else ()),
                *("--output", folder, *(["--resume"] if done is not None else []), *arguments.settings),
            ]
        )
    elif output.exists() and exported.exists() and exported.read_text("utf-8") == sha256(output):
        return
    run(["-m", "fststyle", "export", last, output, "--license", "MIT"])
    facts: dict[str, Any] = {} if before is None else {"steps_before": before}
    if arguments.photos_are:
        facts["photos"] = arguments.photos_are
    complete_card(output, config(name)["painting"], facts)
    atomic_write(exported, sha256(output).encode())


def file_name(style: str, network: str) -> str:
    """Of a network in models/, without suffix: the style's alone for the default network."""
    return style if network == "fast" else f"{style}_{network}"


def steps_before(path: Path, note: Path) -> int:
    """Of the network with which a run begins; noted, for `path` holds another one when the run has ended."""
    if not note.exists():
        card = read_model(path).card
        steps = 0 if card is None else int(card.recipe.get("steps_before", 0)) + card.steps
        atomic_write(note, str(steps).encode())
    return int(note.read_text("utf-8"))


def complete_card(path: Path, painting: str, facts: dict[str, Any]) -> None:
    """Add to a card what the training does not know."""
    file = read_model(path)
    if file.card is None:
        raise FststyleError(f"{path} has no card; export it again")
    card = dataclasses.replace(file.card, painting=painting, recipe=file.card.recipe | facts)
    write_model(path, onnx.load_from_string(file.data), card)


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


def registry(networks: list[Path]) -> str:
    """What fststyle knows of the networks that the wheel leaves out, which pyproject.toml names by their suffix."""
    entries: dict[str, dict[str, Any]] = {}
    for path in networks:
        card = read_model(path).card
        if card is not None and card.network == LEFT_OUT:
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
    parser.add_argument("--size", "--crop", dest="crop", type=int, default=256)
    parser.add_argument("--batch-size", "--batch", dest="batch", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=STYLES, default=STYLES, metavar="NAME", help=", ".join(STYLES))
    parser.add_argument(
        "-o",
        "--output",
        "--out",
        dest="out",
        type=Path,
        default=Path("runs/gallery"),
        help="a network's runs; one folder a network",
    )
    parser.add_argument("--no-training", action="store_true", help="only note what lies in models/")
    parser.add_argument("settings", nargs="*", metavar="-- SETTING", help="for fststyle train, instead of a config's")
    arguments = parser.parse_args()
    if not arguments.no_training and not (arguments.photos and arguments.paintings):
        parser.error("give --photos and --paintings, or --no-training")
    try:
        if not arguments.no_training:
            pictures = find_paintings(arguments.paintings, set(arguments.only))
            for name in arguments.only:
                train(arguments, name, pictures[name])
                write_proofs(MODELS)
        write_proofs(MODELS)
    except FststyleError as error:
        sys.exit(f"error: {error}")
    print(f"{len(list(MODELS.glob('*.onnx')))} networks in {MODELS}")


if __name__ == "__main__":
    main()
