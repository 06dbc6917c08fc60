"""Self-contained HTML pages: pictures and charts inside the file, nothing fetched.

What stands on a page is its template's business, in `templates/`; `base.html.j2` holds the look that all share.
"""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fststyle.pictures.files import encode_picture
from fststyle.system.file_kinds import Kind
from fststyle.system.files import write_result
from fststyle.system.utf8 import utf8

# Text stays text, so that the page can be searched and the browser chooses the font; the salt makes equal charts equal
# bytes. Colors read on light ground and on dark.
_CHART_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fststyle",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": "#808080",
    "axes.labelcolor": "#808080",
    "axes.edgecolor": "#808080",
    "xtick.color": "#808080",
    "ytick.color": "#808080",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def chart_svg(draw: Callable[[Axes], None], *, width: float = 5.0, height: float = 3.2) -> Markup:
    """What `draw` puts on a pair of axes, as an inline SVG element without background that scales with its place.

    Args:
        draw: Gets the axes.
        width: In inches; small, because a page on a phone shrinks the chart with its letters to the screen's width.
        height: In inches.
    """
    buffer = io.StringIO()
    with rc_context(_CHART_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])  # noqa: S704 -- matplotlib's own output


def picture_uri(rgb: NDArray[np.uint8], *, exact: bool = False) -> str:
    """(H, W, 3) uint8 as a data URI for an image's source; JPEG, or PNG where every value counts."""
    suffix, kind = (".png", "png") if exact else (".jpg", "jpeg")
    data = encode_picture(rgb, None, suffix)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def write_page(path: Path, template: str, **context: Any) -> None:
    """Fill a template and write the page, whole or not at all.

    Args:
        path: The HTML file.
        template: Name of a file in `templates/`.
        **context: What the template shows; text is escaped. A name that the template asks for and does not get is an
            error.

    Raises:
        FststyleError: The page cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("fststyle.training.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    write_result(path, utf8(environment.get_template(template).render(context)), Kind.PAGE)
