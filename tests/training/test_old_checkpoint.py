"""A run of an earlier version can be read, exported, resumed and opened: `assets/old_run.ckpt` is of commit cb8259a."""

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from fststyle.errors import TrainingError
from fststyle.training.checkpoint import read_checkpoint
from fststyle.training.cli import main
from fststyle.training.export import export_checkpoint
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.recipe import with_older

OLD = Path(__file__).parents[1] / "assets" / "old_run.ckpt"


@pytest.fixture
def old_run(tmp_path: Path) -> list[str]:
    """Its photos and painting, its folder, and the arguments that it was made with but for the number of steps."""
    (tmp_path / "photos").mkdir()
    y, x = np.mgrid[:40, :48]
    for n in range(6):
        photo = np.stack([(x * (n + 1)) % 256, (y * 5) % 256, (x + y + n * 30) % 256], -1)
        Image.fromarray(photo.astype(np.uint8)).save(tmp_path / "photos" / f"{n}.png")
    y, x = np.mgrid[:64, :64]
    painting = np.stack([(x * x + y) % 256, (x * y) % 256, (3 * x + y * y) % 256], -1)
    Image.fromarray(painting.astype(np.uint8)).save(tmp_path / "painting.png")
    (tmp_path / "run").mkdir()
    shutil.copy(OLD, tmp_path / "run" / "last.ckpt")
    return [
        *("--style", str(tmp_path / "painting.png"), "--data.root", str(tmp_path / "photos"), "--name", "old"),
        *("--data.crop", "32", "--data.val_size", "32", "--data.val_photos", "1", "--data.batch_size", "1"),
        *("--data.num_workers", "0", "--model.network", "fast", "--model.width", "0.125", "--model.style_size", "64"),
        *("--model.cost.style_layers", '["relu1_2"]', "--model.cost.content_layers", '["relu1_2"]'),
        *("--model.cost.loss_network", "slim", "--trainer.accelerator", "cpu", "--trainer.precision", "32-true"),
        *("--out", str(tmp_path / "run")),
    ]


def test_it_is_resumed_where_it_stood(old_run: list[str], tmp_path: Path) -> None:
    before = torch.load(OLD, weights_only=True)
    assert main([*old_run, "--trainer.max_steps", "5", "--resume"]) == 0
    after = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert after["global_step"] == 5
    assert after["state_dict"].keys() == before["state_dict"].keys()
    assert after["optimizer_states"][0]["state"].keys() == before["optimizer_states"][0]["state"].keys()
    assert before["fststyle"].keys() <= after["fststyle"].keys()
    assert with_older(before["fststyle"]["recipe"]) == after["fststyle"]["recipe"]
    assert before["ContentData"].items() <= after["ContentData"].items()  # the same photos in the same order
    changed = [
        name for name, tensor in after["state_dict"].items() if not torch.equal(tensor, before["state_dict"][name])
    ]
    assert changed
    with pytest.raises(TrainingError, match=r"began with style_weight = 1\.0, not 2\.0"):
        main([*old_run, "--trainer.max_steps", "6", "--resume", "--model.cost.style_weight", "2"])


def test_it_is_opened_and_exported(old_run: list[str], tmp_path: Path) -> None:
    checkpoint = read_checkpoint(OLD)
    with pytest.raises(TrainingError, match="earlier version and holds no painting; give it as style="):
        StyleTransferModule.load_from_checkpoint(OLD)
    module = StyleTransferModule.load_from_checkpoint(OLD, style=tmp_path / "painting.png").eval()
    assert (module.width, module.name, module.painting) == (0.125, "old", "painting.png")
    assert module.recipe() == with_older(checkpoint.recipe)
    for name, tensor in module.averaged.module.state_dict().items():
        assert torch.equal(tensor, checkpoint.state[name])
    photo = torch.rand(1, 3, 40, 48)
    export_checkpoint(OLD, tmp_path / "old.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "old.onnx", providers=["CPUExecutionProvider"])
    (painted,) = session.run(None, {session.get_inputs()[0].name: photo.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(module(photo).numpy(), painted, atol=1e-4)
