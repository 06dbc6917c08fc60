"""Train a style, write it as one ONNX file, and paint a photo.

python examples/train_in_python.py painting.jpg photos/ mine.onnx
"""

import sys
from pathlib import Path

from PIL import Image

from fststyle import samples
from fststyle.training import train


def main(painting: str | Path, photos: str | Path, output: str | Path, steps: int = 4000) -> None:
    training = train(painting, photos, steps=steps, out=Path(output).with_suffix(""))
    print(f"{training.steps} steps: {training.costs}, see {training.pictures[-1]}")

    stylizer = training.export(output, licence="MIT")
    photo = Image.open(samples.photo_folder() / "cat.jpg")
    Image.fromarray(stylizer(photo)).save(Path(output).with_suffix(".png"))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
