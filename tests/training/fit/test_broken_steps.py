"""A step that was not finite is found later, as the first of them; and no checkpoint has it."""

from pathlib import Path

import pytest
import torch

from fststyle.errors import TrainingError
from fststyle.training.fit.broken_steps import Broken, BrokenSteps
from fststyle.training.fit.module import StyleTransferModule

FINE, BROKEN = torch.tensor(1.0), torch.tensor(torch.inf)


def test_the_first_broken_step_is_remembered() -> None:
    steps = BrokenSteps()
    assert steps.look() is None
    steps.see(FINE, {"content_loss": FINE, "style_loss": FINE}, 6)
    steps.see(BROKEN, {"content_loss": FINE, "style_loss": BROKEN}, 7)
    steps.see(BROKEN, {"content_loss": BROKEN, "style_loss": BROKEN}, 8)
    steps.see(FINE, {"content_loss": FINE, "style_loss": FINE}, 9)
    assert steps.look() == Broken(7, ["style_loss"])
    assert steps.look() is None


def test_a_term_alone_breaks_no_step() -> None:
    steps = BrokenSteps()
    steps.see(FINE, {"content_loss": BROKEN}, 0)
    assert steps.look() is None
    steps.see(BROKEN, {}, 0)
    assert steps.look() == Broken(0, [])


def test_no_checkpoint_has_what_a_broken_step_made(painting: Path) -> None:
    module = StyleTransferModule(painting, network="fast", width=0.25, style_size=64)
    module.on_save_checkpoint({})
    module._broken_steps.see(BROKEN, {"style_loss": BROKEN}, 41)
    module._broken_steps.see(FINE, {"style_loss": FINE}, 42)
    with pytest.raises(TrainingError, match=r"the style_loss became NaN .* at step 41; nothing was saved since"):
        module.on_save_checkpoint({})
