#!/usr/bin/env python
"""Write networks of ours again as `fststyle export` writes them today: the output's sides named as the input's.

    python scripts/recipes/name_sides.py models/*.onnx
    python scripts/recipes/train_gallery.py --no-training   # notes the new sha256

Weights and card stay as they are.
"""

import argparse
from pathlib import Path

import onnx

from fststyle.model.file import read_model, write_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", type=Path, nargs="+")
    for path in parser.parse_args().networks:
        file = read_model(path)
        if file.card is None:
            parser.error(f"{path} was not made by fststyle")
        if write_model(path, onnx.load_from_string(file.data), file.card) != file.card:
            parser.error(f"{path} has other weights now; restore it")


if __name__ == "__main__":
    main()
