"""How much the fuzz tests try."""

import os

from hypothesis import HealthCheck, settings

# FSTSTYLE_FUZZ makes scripts/faults take more than the default suite.
INPUTS = int(os.environ.get("FSTSTYLE_FUZZ", "40"))


def deep(inputs: int) -> settings:
    """So many inputs a test: always the same in the default suite, new ones in scripts/faults."""
    return settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        derandomize="FSTSTYLE_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
