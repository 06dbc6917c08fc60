"""A trained network that a smaller one learns from, first alone and then beside the cost (distillation, Hinton 2015).

With the cost alone, a small network learns the painting's texture first and never recovers the photo. If it imitates a
larger network's pictures first, it knows within a minute where which stroke belongs, and comparing pixels is a hundred
times cheaper than comparing activations of VGG. The result is soft; the cost then sharpens it into strokes.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn

from fststyle.errors import FststyleError, TrainingError
from fststyle.model.file import read_model
from fststyle.model.gallery import find_network
from fststyle.runtime.network import Network
from fststyle.system.cores import usable_cores
from fststyle.training.networks.transformer_net import NetworkName, build_transformer_net
from fststyle.training.networks.warm_start import exported_state
from fststyle.training.tensors import content_of, unit_range

MATCHING = 0.5
"""Up to this fraction of the run, only the teacher's pictures count."""

TEACHER_WEIGHT = 10.0
"""Weight of the likeness beside the other terms. Measured (`tiny`, The Great Wave): with 0, dark areas fade again."""

# The teacher sees a photo with a mirrored rim, in training the student sees one only in large squares.
_BORDER = 8


class Teacher:
    """An exported network. It can be copied and pickled; the copy opens the file again.

    Where the training is on a GPU it is there, too, as the network in torch that it was exported from; else, and if
    that cannot be built, it runs in onnxruntime on the CPU.

    Args:
        name: A file, or the name of a network that ships.

    Raises:
        FststyleError: There is none, or it is broken.
    """

    def __init__(self, name: str | Path) -> None:
        self._open(find_network(Path(name)))

    def _open(self, path: Path) -> None:
        self._path, self.name = path, path.stem
        # A picture a thread: onnxruntime's own threads would spin on the cores that torch needs next.
        self._network = Network.load(path, "cpu", "rgb1", threads=1)
        self._painters = ThreadPoolExecutor(usable_cores(), "teacher")
        self._in_torch: nn.Module | Literal["not tried", "impossible"] = "not tried"

    def __getstate__(self) -> Path:
        return self._path

    def __setstate__(self, path: Path) -> None:
        self._open(path)

    def __call__(self, batch: Tensor) -> Tensor:
        """Paint uint8 photos, (B, 3, H, W): float32 in [0, 1], on their device."""
        if batch.device.type != "cpu" and (net := self.in_torch(batch.device)) is not None:
            with torch.no_grad(), torch.autocast(batch.device.type, enabled=False):
                taught: Tensor = net(content_of(batch))
            return taught
        photos = batch.permute(0, 2, 3, 1).cpu().contiguous().numpy()
        painted = self._painters.map(self._network.run, photos)
        return torch.cat([unit_range(picture) for picture in painted]).to(batch.device)

    def in_torch(self, device: torch.device) -> nn.Module | None:
        """The network in torch, on a device; None if the file does not hold one of ours in float32."""
        if self._in_torch == "not tried":
            try:
                self._in_torch = network_of(self._path).to(device)
            except (FststyleError, RuntimeError, ValueError):
                self._in_torch = "impossible"
        return self._in_torch if isinstance(self._in_torch, nn.Module) else None


def network_of(path: Path) -> nn.Module:
    """The network of an exported file as it was in torch, to paint with.

    Raises:
        FststyleError: The file is not one of ours in float32.
        ValueError: It names a network that there is not.
        RuntimeError: It lacks some of the network's weights.
    """
    card = read_model(path).card
    if card is None:
        raise TrainingError(f"{path.name} was not made by fststyle; it cannot be built in torch")
    net = build_transformer_net(cast(NetworkName, card.network), card.width)
    net.load_state_dict(exported_state(net, path, card.network, card.width))
    return net.eval().requires_grad_(False)


def likeness_loss(stylized: Tensor, taught: Tensor) -> Tensor:
    """Mean absolute difference of two batches of pictures, (B, 3, H, W), without their borders."""
    inner = slice(_BORDER, -_BORDER)
    return (stylized.float() - taught)[..., inner, inner].abs().mean()
