"""Defaults that commands and the training share; they stand here so that `--help` shows them without loading torch."""

STYLE_SIZE = 320
"""Shorter side in pixels at which a painting is looked at."""

STYLE_SIZES = (32, 4096)
"""The least and the most of it for a predicted style."""

OPTIMIZED_SIZE = 512
"""Longer side in pixels of an optimized picture."""

OPTIMIZER_ITERATIONS = (150, 75)
"""Of an optimized picture, at each scale, the coarsest first."""

EVALUATED_SIZE = 256
"""Side in pixels of the squares that networks are judged on."""

EVALUATED_SIDES = (256, 512, 1024)
"""Short sides in pixels of the whole photos that networks are judged on, too."""

EVALUATED_ITERATIONS = 300
"""At which the optimizer that a network is compared with gives up."""

EVALUATED_FRAMES = 40
"""How many frames of a clip are judged."""
