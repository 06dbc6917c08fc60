"""The recipe of Johnson 2016, section 4.1: what its 40 000 steps of 4 photos reach, to compare other trainings with.

Adam at a constant 1e-3, no average, squares of 256, his network as the field builds it today. The cost is ours, since
the paper does not tell its weights, and VGG-19 is the loss network, as it ships.
"""

from typing import TYPE_CHECKING

from gpu_styles import Snapshots, tell, trained

if TYPE_CHECKING:
    from gpu_section import Asked

STEPS, BATCH = 40_000, 4


def run(asked: "Asked") -> int:
    """Train and judge."""
    snapshots = Snapshots([])
    side, steps = (256, STEPS) if asked.on_gpu else (64, 2)
    recipe = {"optimizer": "adam", "learning_rate": 1e-3, "warmup": 0.0, "ema_decay": 0.0, "grid_weight": 0.0}
    trained(
        asked, snapshots, network="johnson", loss_network="vgg19", steps=steps, crop=side, batch_size=BATCH, **recipe
    )
    tell(asked, "johnson, as in the paper", snapshots, side, BATCH)
    return 0
