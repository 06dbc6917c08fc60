"""What the calibration's probe finds for paintings: relative content losses at its weights, and the factor.

python scripts/benchmarks/measure_calibration.py paintings/*.jpg
"""

import argparse
from pathlib import Path

from fststyle.model.defaults import STYLE_SIZE
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.training.cost.objective import Cost
from fststyle.training.fit.calibration import WEIGHTS, factor_of, probe
from fststyle.training.tensors import unit_range


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paintings", type=Path, nargs="+")
    parser.add_argument("--style-size", type=int, default=STYLE_SIZE)
    arguments = parser.parse_args()
    print(f"| painting | {' | '.join(f'content at {weight:g}' for weight in WEIGHTS)} | factor |")
    print(f"|---|{'---|' * (len(WEIGHTS) + 1)}")
    for path in arguments.paintings:
        found = probe(Cost(), unit_range(resize_shorter_side(read_picture(path).rgb, arguments.style_size)))
        print(f"| {path.stem} | {' | '.join(f'{loss:.3f}' for loss in found)} | {factor_of(found):g} |", flush=True)


if __name__ == "__main__":
    main()
