"""Paint a folder of frames into another folder.

Usage: python examples/paint_frame_folder.py MODEL FRAMES OUT

Names stay, as .png; frame 10 comes after frame 9. Frames are held one at a time.
"""

import sys
from pathlib import Path

from fststyle import Stylizer, read_picture, stylize_frames, write_picture
from fststyle.video.pictures import find_pictures


def main(model: str, frames: str, out: str) -> None:
    paths = find_pictures(frames)
    pictures = (read_picture(path).rgb for path in paths)
    for path, painted in zip(paths, stylize_frames(Stylizer.load(model), pictures), strict=True):
        target = Path(out) / path.with_suffix(".png").name
        write_picture(target, painted)
        print(target)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
