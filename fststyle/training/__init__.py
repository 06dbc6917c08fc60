"""The training wing, and its door for Python: `from fststyle.training import train`.

The only folder that imports torch, torchvision, Lightning and ONNX's exporter. Each name is loaded when it is asked
for: `import fststyle.training` alone loads none of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fststyle.training.checkpoint import Checkpoint, read_checkpoint
    from fststyle.training.cost.cost import Cost, CostTerms
    from fststyle.training.cost.loss_network import LossNetwork
    from fststyle.training.cost.objective import PerceptualObjective
    from fststyle.training.data.photos import ContentData
    from fststyle.training.export import export_checkpoint, export_network
    from fststyle.training.fit.callbacks import CostProgressBar, LastCheckpoint, SamplePictures, TimeBudget
    from fststyle.training.fit.finished import Training
    from fststyle.training.fit.module import StyleTransferModule
    from fststyle.training.fit.run import train
    from fststyle.training.networks.transformer_net import build_transformer_net

__all__ = [
    "Checkpoint",
    "ContentData",
    "Cost",
    "CostProgressBar",
    "CostTerms",
    "LastCheckpoint",
    "LossNetwork",
    "PerceptualObjective",
    "SamplePictures",
    "StyleTransferModule",
    "TimeBudget",
    "Training",
    "build_transformer_net",
    "export_checkpoint",
    "export_network",
    "read_checkpoint",
    "train",
]

_HOMES = {
    "Checkpoint": "checkpoint",
    "ContentData": "data.photos",
    "Cost": "cost.cost",
    "CostProgressBar": "fit.callbacks",
    "CostTerms": "cost.cost",
    "LastCheckpoint": "fit.callbacks",
    "LossNetwork": "cost.loss_network",
    "PerceptualObjective": "cost.objective",
    "SamplePictures": "fit.callbacks",
    "StyleTransferModule": "fit.module",
    "TimeBudget": "fit.callbacks",
    "Training": "fit.finished",
    "build_transformer_net": "networks.transformer_net",
    "export_checkpoint": "export",
    "export_network": "export",
    "read_checkpoint": "checkpoint",
    "train": "fit.run",
}

# A type checker that saw it would take any name for one of ours.
if not TYPE_CHECKING:

    def __getattr__(name):
        from importlib import import_module

        if name in _HOMES:
            try:
                home = import_module(f"{__name__}.{_HOMES[name]}")
            except ModuleNotFoundError as error:
                if error.name is None or error.name.startswith("fststyle"):
                    raise
                raise ModuleNotFoundError(
                    f"{__name__}.{name} needs {error.name}, which is not installed; pip install 'fststyle[train]'",
                    name=error.name,
                ) from error
            value = globals()[name] = getattr(home, name)
            return value
        raise import_module("fststyle.system.door").unknown_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
