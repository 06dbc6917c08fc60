"""Make several hundred small pictures and clips of every kind that the installed programs write.

python scripts/benchmarks/make_reader_files.py FOLDER makes FOLDER/pictures and FOLDER/clips with ImageMagick, Pillow
and ffmpeg, for compare_readers.py. What a program cannot write is left out and counted.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from reader_clips import clips
from reader_pictures import pictures_by_magick, pictures_by_pillow

Recipe = list[str] | Callable[[Path], None]


def make(folder: Path, recipes: dict[str, Recipe], seconds: float = 60) -> tuple[int, list[str]]:
    """Make every file that is not there yet; returns how many there are, and which could not be made.

    Args:
        folder: Is made.
        recipes: By file name: a command, in which "{}" stands for the file, or a function that writes it.
        seconds: Time limit of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, recipe in recipes.items():
        path = folder / name
        if path.exists():
            continue
        try:
            if callable(recipe):
                recipe(path)
            else:
                command = [word.replace("{}", str(path)) for word in recipe]
                subprocess.run(
                    command, check=True, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL, cwd=folder
                )
        except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
            said = getattr(error, "stderr", None) or b""
            failed.append(f"{name}: {said.decode(errors='replace').strip().splitlines()[-1:] or error}")
            path.unlink(missing_ok=True)
    return sum(path.is_file() for path in folder.iterdir()), failed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true", help="name what could not be made")
    asked = parser.parse_args(arguments)
    for program, package in (("ffmpeg", "ffmpeg"), ("convert", "imagemagick")):
        if shutil.which(program) is None:
            print(f"{program} is missing: install it (apt install {package}, brew install {package})", file=sys.stderr)
            return 2
    folder = asked.folder.resolve()
    for part, recipes in (
        ("pictures", pictures_by_magick() | pictures_by_pillow()),
        ("clips", clips()),
    ):
        there, failed = make(folder / part, recipes)
        print(f"{folder / part}: {there} files, {len(failed)} could not be made")
        if asked.verbose:
            print("\n".join(failed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
