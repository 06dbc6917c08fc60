"""The graphs that tests/assets/make_assets.py knows how to make, under their own names."""

import runpy
from pathlib import Path
from typing import Any

_MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "assets" / "make_assets.py"))

CARD = _MADE["CARD"]
gain_model = _MADE["gain_model"]
picture_model = _MADE["picture_model"]
