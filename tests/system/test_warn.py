"""A warning points to the caller's line, however deep in the package it is raised."""

import warnings
from pathlib import Path

import pytest
from PIL import Image

from fststyle.pictures.files import read_picture
from fststyle.system.warn import warn


def test_it_points_to_the_caller() -> None:
    with pytest.warns(UserWarning, match="something") as caught:
        warn("something")
    assert caught[0].filename == __file__
    assert "something" in Path(__file__).read_text(encoding="utf-8").splitlines()[caught[0].lineno - 1]


def test_from_deep_in_the_package_too(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="several frames") as caught:
        read_picture(tmp_path / "a.gif")
    assert caught[0].filename == __file__
    assert "read_picture(tmp" in Path(__file__).read_text(encoding="utf-8").splitlines()[caught[0].lineno - 1]


def test_filters_by_module_reach_it() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("ignore", module=__name__.replace(".", r"\."))
        warn("something")
    assert not caught
