#!/usr/bin/env python
"""The gallery's page: a sheet of pictures, photo by style, and the table of networks in docs/gallery.md.

    python docs/make/make_gallery_page.py

Everything comes from the files in models/ and their cards, and from the sample photos.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle import samples
from fststyle.model.card import ModelCard
from fststyle.model.file import ModelFile, read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, read_picture, resize
from fststyle.pictures.sheet import contact_sheet, middle_square
from fststyle.system.files import atomic_write, replace_marked

ROOT = Path(__file__).resolve().parents[2]
MODELS, DOCS = ROOT / "models", ROOT / "docs"
SOURCE = "https://github.com/fststyle/fststyle/blob/main/models"
BEGIN, END = "<!-- networks, written by docs/make/make_gallery_page.py -->", "<!-- end of networks -->"
PHOTOS = ("temple", "cat", "astronaut", "coffee", "rocket")
LARGEST_SHEET = 1_000_000  # bytes


def sheet(networks: list[Path], names: list[str], painted: int, shown: int) -> NDArray[np.uint8]:
    """A row of photos, then a row a network; squares of `painted` pixels a side, shown at `shown`."""
    files = {path.stem: path for path in samples.photos()}
    photos = [middle_square(read_picture(files[name]).rgb, painted) for name in names]
    rows = [photos]
    for path in networks:
        stylizer = Stylizer.load(path)
        rows.append([stylizer(photo) for photo in photos])
    return contact_sheet([[resize(picture, shown, shown) for picture in row] for row in rows])


def compress(picture: NDArray[np.uint8]) -> bytes:
    """As JPEG of the highest quality that is small enough."""
    for quality in range(90, 30, -5):
        data = encode_picture(picture, None, ".jpg", quality=quality)
        if len(data) <= LARGEST_SHEET:
            return data
    raise ValueError(f"the sheet is larger than {LARGEST_SHEET} bytes; give fewer --photos or a smaller --shown")


def table(files: dict[str, ModelFile]) -> list[str]:
    lines = [
        "| name | painting | network | MB | trained with | steps | photos | content | style | total | licence |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, file in files.items():
        card = file.card
        if card is None:
            raise ValueError(f"{file.name} has no card; export it with `fststyle export`")
        recipe = card.recipe
        judge = f"`{card.loss_network}`, painting at {recipe['style_size']}"
        if teacher := recipe.get("teacher"):
            judge += f", taught by `{teacher}`"
        terms = (f"{term}_loss" for term in ("content", "style", "total"))
        costs = " | ".join(f"{card.costs[term]:.3g}" if term in card.costs else "" for term in terms)
        lines.append(
            f"| [`{name}`]({SOURCE}/{name}.onnx) | {card.painting} | `{card.network}` | {len(file.data) / 1e6:.1f} "
            f"| {judge} | {steps(card)} | {recipe.get('photos', '')} | {costs} | {card.licence} |"
        )
    return lines


def steps(card: ModelCard) -> str:
    """As "3 000", or as "700 + 1 500" if it began with a network of 700."""
    parts = (card.recipe.get("steps_before", 0), card.steps)
    return " + ".join(f"{part:,}".replace(",", " ") for part in parts if part)


def page(files: dict[str, ModelFile], photos: list[str], caption: str) -> str:
    return "\n".join(
        [
            f"![{', '.join(photos)}, and what each network makes of them](pictures/gallery.jpg)",
            "",
            f"*Sample photos ({', '.join(photos)}), {caption}. One row per network, in the order of the table.*",
            "",
            *table(files),
            "",
            "Costs are means over photos held out of the training; they come from the cards in the files.",
            f"[SHA256SUMS]({SOURCE}/SHA256SUMS) lists every file. A test compares what each network paints with",
            "what it painted when it was added.",
        ]
    )


def write_page(text: str) -> None:
    """Replace what stands between the marks; without them it goes to the top, under the title."""
    gallery = DOCS / "gallery.md"
    before = gallery.read_text("utf-8")
    if BEGIN not in before:
        title, _, rest = before.partition("\n")
        before = f"{title}\n\n{BEGIN}\n{END}\n{rest}"
    atomic_write(gallery, replace_marked(before, BEGIN, END, f"\n\n{text}\n\n").encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", nargs="+", default=list(PHOTOS), help="names of sample photos")
    parser.add_argument("--painted", type=int, default=384, help="side of the squares that are painted")
    parser.add_argument("--shown", type=int, default=192, help="side of the squares on the sheet")
    arguments = parser.parse_args()
    networks = sorted(MODELS.glob("*.onnx"))
    picture = sheet(networks, arguments.photos, arguments.painted, arguments.shown)
    atomic_write(DOCS / "pictures" / "gallery.jpg", compress(picture))
    caption = f"painted at {arguments.painted}², shown at {arguments.shown}²"
    write_page(page({path.stem: read_model(path) for path in networks}, arguments.photos, caption))


if __name__ == "__main__":
    main()
