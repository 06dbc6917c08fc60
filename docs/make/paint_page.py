"""Puts the page of `fststyle web` into the site of the docs, at paint/; mkdocs.yml names this file as a hook.

It takes a minute and, once, a download from npm. FSTSTYLE_DOCS_PAGE=no leaves it out; `mkdocs serve` does so always.
"""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from fststyle.errors import FststyleError
from fststyle.runtime.convert import quantize
from fststyle.web.site import build_site

MODELS = Path(__file__).resolve().parents[2] / "models"
TINY = ("udnie_tiny", "starry_night_tiny", "great_wave_tiny")
INT8 = ("starry_night", "udnie", "great_wave", "scream", "composition_vii", "wheat_field", "saint_paul")

_log = logging.getLogger("mkdocs.hooks.paint_page")
_command = ""


def on_startup(command: str, **_: Any) -> None:
    """MkDocs says here whether it builds or serves."""
    global _command
    _command = command


def on_post_build(config: Any, **_: Any) -> None:
    """MkDocs has written its own pages."""
    if _command != "build" or os.environ.get("FSTSTYLE_DOCS_PAGE") == "no":
        return
    try:
        build_page(Path(config["site_dir"]) / "paint")
    except FststyleError as error:
        if "cannot fetch" not in str(error):
            raise
        _log.info("the docs have no page to paint on: %s", error)


def build_page(folder: Path) -> None:
    """The tiny networks, and the `fast` ones in 8 bits: small to load."""
    with tempfile.TemporaryDirectory() as temporary:
        networks = []
        for name in INT8:
            networks.append(Path(temporary) / f"{name}.onnx")
            quantize(MODELS / f"{name}.onnx", networks[-1], precision="int8")
        build_site([*networks, *(MODELS / f"{name}.onnx" for name in TINY)], folder)
