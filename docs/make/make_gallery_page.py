#!/usr/bin/env python
"""The gallery's page: sheets of pictures, photo by style, and the table of networks in docs/gallery.md.

    python docs/make/make_gallery_page.py --large photo.jpg

Everything comes from the files in models/ and their cards, from the sample photos and one large photo, and from
docs/gallery_costs.json, which docs/make/gallery_costs.py writes first.
"""

import argparse
import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fststyle import samples
from fststyle.model.card import ModelCard
from fststyle.model.file import ModelFile, read_model
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, read_picture, resize
from fststyle.pictures.sheet import contact_sheet, middle_square
from fststyle.system.files import atomic_write, replace_marked

ROOT = Path(__file__).resolve().parents[2]
MODELS, DOCS = ROOT / "models", ROOT / "docs"
SIDES = ("256", "512", "1024")
SOURCE = "https://github.com/fststyle/fststyle/blob/main/models"
BEGIN, END = "<!-- networks, written by docs/make/make_gallery_page.py -->", "<!-- end of networks -->"
PHOTOS = ("temple", "cat", "astronaut", "coffee", "rocket")
LARGEST_SHEET = 1_000_000  # bytes
PART = (0.42, 0.45)  # where the part of a large photo begins, as fractions of width and height


def squares(networks: list[Path], names: list[str], painted: int, shown: int) -> NDArray[np.uint8]:
    """Photos, and a row a network; squares of `painted` pixels a side, shown at `shown`."""
    photos = [middle_square(read_picture(samples.photo_folder() / f"{name}.jpg").rgb, painted) for name in names]
    rows = {"": photos}
    for path in networks:
        stylizer = Stylizer.load(path)
        rows[path.stem] = [stylizer(photo) for photo in photos]
    return two_blocks({name: [resize(picture, shown, shown) for picture in row] for name, row in rows.items()})


def large(networks: list[Path], photo: Path, shown: int) -> NDArray[np.uint8]:
    """A large photo in each network's style: the whole, and a part at full size, both `shown` pixels high."""
    rgb = read_picture(photo).rgb
    height, width = rgb.shape[:2]
    wide = shown * width // height
    top, left = round(PART[1] * height), round(PART[0] * width)

    def whole_and_part(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        return [resize(picture, shown, wide), picture[top : top + shown, left : left + wide]]

    return two_blocks(
        {"": whole_and_part(rgb)} | {path.stem: whole_and_part(Stylizer.load(path)(rgb)) for path in networks}
    )


def compress(picture: NDArray[np.uint8]) -> bytes:
    """As JPEG of the highest quality that is small enough."""
    for quality in range(90, 30, -5):
        data = encode_picture(picture, None, ".jpg", quality=quality)
        if len(data) <= LARGEST_SHEET:
            return data
    raise ValueError(f"the sheet is larger than {LARGEST_SHEET} bytes; give fewer --photos or a smaller --shown")


def two_blocks(rows: dict[str, list[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Rows with their names written on them, the second half beside the first; the first row stands above both."""
    (_, photos), *others = rows.items()
    half = (len(others) + 1) // 2
    blocks = [[photos, *(named(name, row) for name, row in part)] for part in (others[:half], others[half:])]
    return contact_sheet([[picture for row in pair for picture in row] for pair in zip_longest(*blocks, fillvalue=[])])


def named(name: str, row: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The row, with a name in the first picture's corner."""
    image = Image.fromarray(row[0])
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    _, _, right, bottom = draw.textbbox((6, 3), name, font)
    draw.rectangle((0, 0, right + 6, bottom + 4), "black")
    draw.text((6, 3), name, "white", font)
    return [np.asarray(image), *row[1:]]


def table(files: dict[str, ModelFile], costs: dict[str, Any]) -> list[str]:
    heads = " | ".join(f"at {side}" for side in SIDES)
    lines = [
        f"| name | painting | network | MB | trained with | steps | photos | {heads} |",
        "|---|---|---|---|---|---|---|" + "---|" * len(SIDES),
    ]
    for name, file in files.items():
        card = file.card
        if card is None:
            raise ValueError(f"{file.name} has no card; export it with `fststyle export`")
        recipe = card.recipe
        judge = f"`{card.loss_network}`, painting at {recipe['style_size']}"
        if teacher := recipe.get("teacher"):
            judge += f", taught by `{teacher}`"
        found = costs.get(name, {}).get("costs", {})
        shown = " | ".join("{:.2f} + {:.3f}".format(*found[side]) if side in found else "" for side in SIDES)
        lines.append(
            f"| [`{name}`]({SOURCE}/{name}.onnx) | {card.painting} | `{card.network}` | {len(file.data) / 1e6:.1f} "
            f"| {judge} | {steps(card)} | {recipe.get('photos', '')} | {shown} |"
        )
    return lines


def steps(card: ModelCard) -> str:
    """As "3 000", or as "700 + 1 500" if it began with a network of 700."""
    parts = (card.recipe.get("steps_before", 0), card.steps)
    return " + ".join(f"{part:,}".replace(",", " ") for part in parts if part)


def page(files: dict[str, ModelFile], costs: dict[str, Any], photos: list[str], caption: str) -> str:
    return "\n".join(
        [
            f"![{', '.join(photos)}, and what each network makes of them](pictures/gallery.jpg)",
            "",
            f"*Sample photos ({', '.join(photos)}), {caption}; the `fast` networks.*",
            "",
            "![A photo of 8 megapixels in every style: the whole, and a part at full size](pictures/gallery_large.jpg)",
            "",
            "*A photo of 8 megapixels in every style: the whole, reduced, and a part of it as it is.*",
            "",
            "![The same photos, by the tiny and johnson networks](pictures/gallery_others.jpg)",
            "",
            "*The same as above by the `tiny` and `johnson` networks.*",
            "",
            *table(files, costs),
            "",
            "The last columns are content cost + style cost at these short sides, as the full VGG-19 judges them. They",
            "are means over photos that no network was trained on, painted in one pass, and measured by",
            "`docs/make/gallery_costs.py`. Paintings differ in what they cost: compare networks of one painting only.",
            "",
            "All networks are under the MIT license.",
            f"[SHA256SUMS]({SOURCE}/SHA256SUMS) lists every file. A test compares",
            "what each network paints with what it painted when it was added.",
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
    parser.add_argument("--large", type=Path, help="a photo of 8 megapixels or so; its picture stays if not given")
    parser.add_argument("--painted", type=int, default=384, help="side of the squares that are painted")
    parser.add_argument("--shown", type=int, default=160, help="height of the pictures on the sheets")
    arguments = parser.parse_args()
    files = {path.stem: read_model(path) for path in sorted(MODELS.glob("*.onnx"))}
    fast = [MODELS / f"{name}.onnx" for name, file in files.items() if file.card and file.card.network == "fast"]
    others = [MODELS / f"{name}.onnx" for name in files if MODELS / f"{name}.onnx" not in fast]
    for name, networks in (("gallery", fast), ("gallery_others", others)):
        picture = squares(networks, arguments.photos, arguments.painted, arguments.shown)
        atomic_write(DOCS / "pictures" / f"{name}.jpg", compress(picture))
    if arguments.large:
        atomic_write(DOCS / "pictures" / "gallery_large.jpg", compress(large(fast, arguments.large, arguments.shown)))
    caption = f"painted at {arguments.painted}², shown at {arguments.shown}²"
    write_page(page(files, json.loads((DOCS / "gallery_costs.json").read_text("utf-8")), arguments.photos, caption))


if __name__ == "__main__":
    main()
