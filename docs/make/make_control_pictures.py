"""Make docs/pictures/controls.jpg: a row of pictures for every control, from a sample photo.

python docs/make/make_control_pictures.py models/starry_night.onnx --other models/udnie.onnx
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fststyle import Stylizer
from fststyle.paint.blend import Blend
from fststyle.pictures.files import fit_longer_side, read_picture, write_picture
from fststyle.pictures.sheet import contact_sheet
from fststyle.samples import photos

ROOT = Path(__file__).resolve().parents[2]


def disk(height: int, width: int) -> NDArray[np.uint8]:
    """White in the middle, with a soft edge."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot((y - height / 2) / height, (x - width / 2) / width)
    return (np.clip((0.45 - distance) / 0.1, 0, 1) * 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--other", type=Path, help="a second network, for a row of blends")
    parser.add_argument("--photo", default="temple")
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "pictures" / "controls.jpg")
    arguments = parser.parse_args()
    (path,) = [path for path in photos() if path.stem == arguments.photo]
    photo = fit_longer_side(read_picture(path).rgb, arguments.side)
    paint = Stylizer.load(arguments.model)
    mask = disk(*photo.shape[:2])
    rows = [
        [paint(photo, strength=strength) for strength in (0.0, 0.4, 0.7, 1.0)],
        [paint(photo, scale=scale) for scale in (0.6, 1.0, 1.6, 2.5)],
        [paint(photo, grain=grain) for grain in (0.0, 4.0, 8.0, 16.0)],
        [photo, paint(photo), paint(photo, keep_color=True), paint(photo, keep_color=True, strength=0.6)],
        [photo, np.dstack([mask] * 3), paint(photo, mask=mask), paint(photo, mask=255 - mask)],
    ]
    if arguments.other is not None:
        other = Stylizer.load(arguments.other)
        mixes = [Blend([paint, other], [1 - share, share])(photo) for share in (0.3, 0.7)]
        rows.append([paint(photo), *mixes, other(photo)])
    write_picture(arguments.output, contact_sheet(rows), quality=88)
    print(arguments.output)


if __name__ == "__main__":
    main()
