"""Three strengths in one short run: each is trained at its own weight, and the picture shows them in order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import LambdaCallback

from fststyle.errors import DataError, TrainingError
from fststyle.training.cli import parse
from fststyle.training.fit import preview as previewing
from fststyle.training.fit.many_styles import styled_norms
from fststyle.training.fit.preview import FACTORS, Strengths, preview, weights
from fststyle.training.tensors import to_uint8


def test_strengths_take_turns_and_grow_with_their_weight(train_arguments: list[str], tmp_path: Path) -> None:
    cli = parse([*train_arguments, "--model.cost.normalize_channels", "true", "--out", str(tmp_path)])
    module, data = cli.model, cli.datamodule
    sheet = preview(module, data, tmp_path, [], max_steps=60, accelerator="cpu", enable_progress_bar=False)
    assert sheet.shape == (2 * 48 + 4, 4 * 48 + 3 * 4, 3)
    assert not module.averaged.training  # painted with the mirrored rim
    module.train()  # judged as it was trained

    (norm, *_) = styled_norms(module.net)
    assert norm.weight.shape[0] == len(FACTORS)
    assert not torch.equal(norm.weight[0], norm.weight[2])

    strengths = Strengths()
    photos = torch.stack([photo for (photo,) in data.val_dataloader()]).unsqueeze(1) / 255
    features = [module.objective.content_features(photo) for photo in photos]
    style = []
    for number in range(3):
        choice = strengths.choice(module, number)
        assert choice.style_weight == pytest.approx(FACTORS[number])
        with torch.no_grad():
            painted = [choice.paint(module.averaged, photo) for photo in photos]
            terms = [module.objective.terms(*pair) for pair in zip(painted, features, strict=True)]
        style.append(float(np.mean([float(each.style) for each in terms])))
    assert style[0] > style[1] > style[2]


def test_a_network_without_instance_norm_is_refused(train_arguments: list[str], tmp_path: Path) -> None:
    cli = parse([*train_arguments, "--model.network", "johnson2016", "--out", str(tmp_path)])
    with pytest.raises(TrainingError, match="johnson2016 has no instance norm, which a preview needs; preview with f"):
        preview(cli.model, cli.datamodule, tmp_path, [], max_steps=1, accelerator="cpu")


@pytest.mark.parametrize(
    ("option", "error", "says"),
    [
        (["--data.val_photos", "0"], DataError, "a preview shows photos that were held out, and there are none"),
        (["--model.strength", "true"], TrainingError, "is told its strength needs no preview; leave out --model.str"),
    ],
)
def test_what_cannot_be_previewed(
    train_arguments: list[str], tmp_path: Path, option: list[str], error: type[Exception], says: str
) -> None:
    cli = parse([*train_arguments, *option, "--out", str(tmp_path)])
    with pytest.raises(error, match=says):
        preview(cli.model, cli.datamodule, tmp_path, [], max_steps=1, accelerator="cpu")


def test_the_weights_are_those_that_a_user_would_type(train_arguments: list[str], tmp_path: Path) -> None:
    cli = parse([*train_arguments, "--model.cost.style_weight", "0.7", "--out", str(tmp_path)])
    assert weights(cli.model) == [0.21, 0.7, 2.1]
    assert previewing.FACTORS[1] == 1


def test_squares_are_small(train_arguments: list[str], tmp_path: Path) -> None:
    cli = parse([*train_arguments, "--data.crop", "130", "--data.batch_size", "1", "--out", str(tmp_path)])
    seen: list[torch.Size] = []
    record = LambdaCallback(on_train_batch_start=lambda *given: seen.append(given[2].shape))
    preview(cli.model, cli.datamodule, tmp_path, [record], max_steps=1, accelerator="cpu", enable_progress_bar=False)
    assert seen == [(2, 3, 128, 128)]


def test_a_predicted_start_is_shown_before_any_training(train_arguments: list[str], tmp_path: Path) -> None:
    sheets: list[np.ndarray] = []
    for init in ("none", "predicted"):
        cli = parse([*train_arguments, "--out", str(tmp_path)])
        cli.model.init = init
        (photo,) = next(iter(_ready(cli).val_dataloader()))
        with torch.no_grad():
            painted = cli.model.averaged.eval()(photo[None].float() / 255)[0]
        settings = {"max_steps": 1, "accelerator": "cpu", "enable_progress_bar": False}
        preview(cli.model, cli.datamodule, tmp_path, [], sheets.append, **settings)
    (sheet,) = sheets
    assert sheet.shape == (2 * 48 + 4, 2 * 48 + 4, 3)
    np.testing.assert_array_equal(sheet[:48, 52:], to_uint8(painted))


def _ready(cli: Any) -> Any:
    cli.datamodule.setup("fit")
    return cli.datamodule
