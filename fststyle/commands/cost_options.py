"""The options that say which cost is meant.

None stands for "as in training": the defaults are `Cost`'s own and cannot be read here without importing torch. Only
the loss network is another: what judges and explains is the whole VGG-19, not what networks are trained with.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fststyle.training.cost.objective import Cost

Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="Weights of the loss network, .safetensors or .pth. Default: those that ship, or torchvision's.",
        show_default=False,
    ),
]
LossNetworkName = Annotated[
    str, typer.Option("--loss-network", metavar="vgg19|vgg16|medium|slim", help="The network that measures the cost.")
]
Pooling = Annotated[
    str | None,
    typer.Option(
        "--pooling",
        metavar="max|average",
        help="Pooling of the loss network; average is Gatys' variant.",
        show_default=False,
    ),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--form", metavar="relative|literal", help="Dimensionless costs, or Johnson's units.", show_default=False
    ),
]
ContentLayers = Annotated[
    str | None,
    typer.Option("--content-layers", metavar="relu3_3,…", help="Layers that compare content.", show_default=False),
]
StyleLayers = Annotated[
    str | None,
    typer.Option("--style-layers", metavar="relu1_2,…", help="Layers that compare style.", show_default=False),
]
ContentWeight = Annotated[
    float | None,
    typer.Option("--content-weight", min=0, help="Weight of the content cost. Default: 1.", show_default=False),
]
StyleWeight = Annotated[
    float | None,
    typer.Option("--style-weight", min=0, help="Weight of the style cost. Default: 1.", show_default=False),
]
TvWeight = Annotated[
    float | None,
    typer.Option("--tv-weight", min=0, help="Weight of total variation (smoothness). Default: 1.", show_default=False),
]


def cost_of(
    weights: Path | None = None,
    *,
    loss_network: str = "vgg19",
    pooling: str | None = None,
    form: str | None = None,
    content_layers: str | None = None,
    style_layers: str | None = None,
    content_weight: float | None = None,
    style_weight: float | None = None,
    tv_weight: float | None = None,
) -> "Cost":
    """The cost that these options ask for.

    Raises:
        ValueError: For a value that does not exist; it names those that do.
    """
    from fststyle.training.cost.objective import Cost

    given = {
        "loss_network": loss_network,
        "pooling": pooling,
        "form": form,
        "content_layers": _names(content_layers),
        "style_layers": _names(style_layers),
        "content_weight": content_weight,
        "style_weight": style_weight,
        "tv_weight": tv_weight,
    }
    return Cost(weights=weights, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _names(text: str | None) -> tuple[str, ...] | None:
    """A list in one argument; an empty one is an empty list, which leaves that term out."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())
