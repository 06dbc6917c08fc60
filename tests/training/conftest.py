"""Small stand-ins for the real thing: a random VGG, noise photos, a painting."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from fststyle.training import tensors
from fststyle.training.cost.cost import Cost
from fststyle.training.cost.loss_network import LossNetwork

# As in the processes that tests start: sums in another order would differ in the last bit, and small tensors are no
# faster on more threads.
torch.set_num_threads(1)

SHALLOW = ("relu1_2", "relu2_2")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers in a test, whichever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def vgg19_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random VGG-19 weights up to relu2_2, scaled so that activations neither die nor grow."""
    torch.manual_seed(7)
    network = LossNetwork("vgg19", SHALLOW)
    for name, tensor in network.features.state_dict().items():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(tensor)
    path = tmp_path_factory.mktemp("weights") / "vgg19.safetensors"
    save_file({f"features.{name}": tensor for name, tensor in network.features.state_dict().items()}, path)
    return path


@pytest.fixture(scope="session")
def shallow_cost(vgg19_file: Path) -> Callable[..., Cost]:
    """Judged by the random VGG, whose channels need no normalization; that would take longer than a short run."""
    given = {"content_layers": ("relu2_2",), "style_layers": SHALLOW, "normalize_channels": False}
    return partial(Cost, **{"weights": vgg19_file} | given)


@pytest.fixture
def small_reference_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where channels are normalized, a sixteenth of the pixels do."""
    monkeypatch.setattr(tensors, "_REFERENCE_SIDE", 64)


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty smooth photos of unequal sizes in nested folders."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(3)
    for number in range(20):
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        path = folder / f"album {number % 3}" / f"{number}.{'png' if number % 2 else 'jpg'}"
        path.parent.mkdir(exist_ok=True)
        small.resize((60 + 7 * number, 50 + 3 * number), Image.Resampling.BICUBIC).save(path)
    return folder


@pytest.fixture(scope="session")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loud stripes."""
    y, x = np.mgrid[:80, :96]
    stripes = np.stack([np.sin(x / 3), np.sin((x + y) / 5), np.cos(y / 4)], axis=-1)
    path = tmp_path_factory.mktemp("style") / "stripes.png"
    Image.fromarray(((stripes + 1) * 127).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def train_arguments(vgg19_file: Path, photo_folder: Path, painting: Path) -> list[str]:
    """A run that takes seconds: a thin network, 32-pixel crops, a loss network of two blocks."""
    layers = ["--model.cost.content_layers", '["relu2_2"]', "--model.cost.style_layers", '["relu1_2", "relu2_2"]']
    return [
        *("--style", str(painting), "--weights", str(vgg19_file), "--data.root", str(photo_folder)),
        *("--data.crop", "32", "--data.val_size", "48", "--data.val_photos", "2", "--data.batch_size", "2"),
        *("--data.num_workers", "0", "--model.network", "fast", "--model.width", "0.25", "--model.style_size", "64"),
        *layers,
        *("--model.cost.normalize_channels", "false"),  # as in shallow_cost
        *("--trainer.accelerator", "cpu", "--trainer.val_check_interval", "1000"),
    ]
