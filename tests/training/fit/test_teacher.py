from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from fststyle.errors import ModelFileError
from fststyle.model.gallery import find_network
from fststyle.paint.stylizer import Stylizer
from fststyle.training.cost.objective import Cost
from fststyle.training.data.photos import ContentData
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.preview import Strengths
from fststyle.training.fit.teacher import TEACHER_WEIGHT, Teacher, likeness_loss
from fststyle.training.fit.trainer import bare_trainer

NETWORK = "starry_night"
PHOTOS_BACK = Path(__file__).parents[2] / "assets" / "identity.onnx"


class Watched(pl.Callback):
    """The terms of every step."""

    def __init__(self) -> None:
        self.terms: list[dict[str, float]] = []

    def on_train_batch_end(self, *given: Any) -> None:
        """Keep them."""
        self.terms.append({name: float(value) for name, value in given[1].last_terms.items()})


def test_it_shows_what_the_exported_network_paints() -> None:
    batch = torch.randint(0, 256, (2, 3, 40, 48), dtype=torch.uint8)
    taught = Teacher(NETWORK)(batch)
    assert taught.shape == batch.shape
    for photo, picture in zip(batch, taught, strict=True):
        painted = Stylizer.load(find_network(Path(NETWORK)), "cpu")(photo.permute(1, 2, 0).numpy(), grain=0)
        np.testing.assert_allclose(picture.permute(1, 2, 0) * 255, painted, atol=1e-3)


def test_borders_do_not_count() -> None:
    picture, framed = torch.zeros(1, 3, 40, 40), torch.ones(1, 3, 40, 40)
    framed[..., 8:-8, 8:-8] = 0.25
    assert likeness_loss(framed, picture) == pytest.approx(0.25)


def test_likeness_is_learned_first_and_counts_beside_the_cost_then(
    painting: Path, photo_folder: Path, shallow_cost: Callable[..., Cost]
) -> None:
    torch.manual_seed(0)
    cost = shallow_cost(grid_weight=0)
    module = StyleTransferModule(
        painting, network="fast", width=0.25, style_size=64, cost=cost, teacher=str(PHOTOS_BACK)
    )
    data = ContentData(photo_folder, crop=32, batch_size=2, num_workers=0, val_photos=1, val_size=48)
    watched = Watched()
    trainer = bare_trainer(
        torch.device("cpu"), max_steps=80, limit_val_batches=0, callbacks=[watched], enable_checkpointing=False
    )
    trainer.fit(module, data)
    first, then = watched.terms[:40], watched.terms[40:]
    assert all(set(terms) == {"likeness_loss", "total_loss"} for terms in first)
    early, late = (np.mean([terms["likeness_loss"] for terms in part]) for part in (first[:5], first[-5:]))
    assert late < 0.85 * early
    for terms in then:
        parts = terms["content_loss"] + 15 * terms["style_loss"] + TEACHER_WEIGHT * terms["likeness_loss"]
        assert terms["total_loss"] > TEACHER_WEIGHT * terms["likeness_loss"] + terms["content_loss"]
        assert terms["total_loss"] == pytest.approx(parts, rel=0.05)
    assert module.recipe()["teacher"] == "identity"


def test_nobody_teaches_two_strengths_or_from_nowhere(painting: Path) -> None:
    with pytest.raises(ValueError, match="full strength only"):
        StyleTransferModule(painting, network="fast", width=0.25, strength=True, teacher=NETWORK)
    with pytest.raises(ModelFileError, match="did you mean starry_night"):
        StyleTransferModule(painting, network="fast", width=0.25, teacher="starry_nigth")


def test_a_preview_is_not_taught(painting: Path) -> None:
    module = StyleTransferModule(painting, network="fast", width=0.25, style_size=64, teacher=str(PHOTOS_BACK))
    Strengths().setup(bare_trainer(torch.device("cpu")), module, "fit")
    assert module.teacher is None


def test_in_torch_it_paints_the_same_to_a_gray_level(tmp_path: Path) -> None:
    teacher = Teacher(NETWORK)
    photos = torch.randint(0, 256, (2, 3, 40, 48), dtype=torch.uint8)
    net = teacher.in_torch(torch.device("cpu"))
    assert net is not None
    assert not net.training
    torch.testing.assert_close(net(photos / 255), teacher(photos), rtol=0, atol=1 / 255)
    assert Teacher(PHOTOS_BACK).in_torch(torch.device("cpu")) is None
