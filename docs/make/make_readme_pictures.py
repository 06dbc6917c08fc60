#!/usr/bin/env python
"""The pictures of the README: what networks make of the sample photos.

python docs/make/make_readme_pictures.py models/starry_night.onnx docs/pictures/starry_night.jpg
python docs/make/make_readme_pictures.py swirls.onnx docs/pictures/quickstart.jpg --style swirls --photos temple cat
"""

import argparse
from pathlib import Path

from fststyle import samples
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import read_picture, write_picture
from fststyle.pictures.sheet import contact_sheet, middle_square


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--photos", nargs="+", help="names of sample photos; the first eight if not given")
    parser.add_argument("--style", help="name of a sample style: a single row, with the style in front")
    parser.add_argument("--side", type=int, default=320, help="of the squares that are painted and shown")
    arguments = parser.parse_args()

    stylizer = Stylizer.load(arguments.model)
    paths = {path.stem: path for path in samples.photos()}
    names = arguments.photos or list(paths)[:8]
    photos = [middle_square(read_picture(paths[name]).rgb, arguments.side) for name in names]
    if arguments.style:
        style = middle_square(read_picture(samples.style(arguments.style)).rgb, arguments.side)
        rows = [[style, *(stylizer(photo) for photo in photos)]]
    else:
        pairs = [[photo, stylizer(photo)] for photo in photos]
        rows = [pairs[i] + pairs[i + 1] for i in range(0, len(pairs), 2)]
    write_picture(arguments.output, contact_sheet(rows), quality=85)


if __name__ == "__main__":
    main()
