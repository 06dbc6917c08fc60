#!/usr/bin/env python
"""The picture of docs/new.md: paintings that the predictor has not seen, and sample photos in their styles.

    python docs/make/make_new_styles_picture.py docs/pictures/new_styles.jpg --paintings paintings/

A column is a painting: itself above, and the photos below.
"""

import argparse
import sys
from pathlib import Path

from fststyle import new_style, samples
from fststyle.errors import FststyleError
from fststyle.pictures.files import find_images, read_picture, write_picture
from fststyle.pictures.sheet import contact_sheet, middle_square


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--paintings", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--photos", nargs="+", default=["astronaut", "temple"], help="names of sample photos")
    parser.add_argument("--size", type=int, default=200, help="side of the pictures")
    arguments = parser.parse_args()
    try:
        paintings = find_images(arguments.paintings)
        photos = [read_picture(samples.photo_folder() / f"{name}.jpg").rgb for name in arguments.photos]
        columns = [
            [read_picture(painting).rgb, *(stylizer(photo) for photo in photos)]
            for painting, stylizer in ((painting, new_style(painting)) for painting in paintings)
        ]
    except FststyleError as error:
        sys.exit(f"error: {error}")
    rows = [[middle_square(picture, arguments.size) for picture in row] for row in zip(*columns, strict=True)]
    write_picture(arguments.output, contact_sheet(rows), quality=85)


if __name__ == "__main__":
    main()
