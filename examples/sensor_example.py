#!/usr/bin/env python
"""Ten sensors on a body: how well correlations, loudness and the samples themselves tell walking from running.

    python examples/sensor_example.py

Of so many known recordings of each mode the nearest one gives the answer; guessing would get a third.
"""

from fststyle.training.explain.sensor import VIEWS, accuracies

EXAMPLES = (1, 10, 100)


def main() -> None:
    shares = accuracies(EXAMPLES)
    print(f"{'known of each mode':<20}{''.join(f'{count:>8}' for count in EXAMPLES)}")
    for name in VIEWS:
        print(f"{name:<20}{''.join(f'{100 * share:7.1f}%' for share in shares[name])}")


if __name__ == "__main__":
    main()
