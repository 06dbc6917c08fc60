"""Draw the style pictures in fststyle/samples/styles; the same ones every time."""

import argparse
from pathlib import Path

from sample_styles.glass import glass
from sample_styles.swirls import swirls
from sample_styles.woodcut import woodcut

STYLES = Path(__file__).resolve().parents[2] / "fststyle" / "samples" / "styles"
PICTURES = {"glass": glass, "swirls": swirls, "woodcut": woodcut}
QUALITY = 86


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of: {', '.join(PICTURES)}")
    names = parser.parse_args().names or list(PICTURES)
    if unknown := sorted(set(names) - set(PICTURES)):
        parser.error(f"no picture is called {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    STYLES.mkdir(exist_ok=True)
    for name in names:
        PICTURES[name]().save(STYLES / f"{name}.jpg", quality=QUALITY, optimize=True)
        print(f"{name}.jpg")


if __name__ == "__main__":
    main()
