import base64
import io
import re
from pathlib import Path

import jinja2
import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.axes import Axes
from PIL import Image

from fststyle.errors import FststyleError
from fststyle.training.pages.page import chart_svg, picture_uri, write_page


def draw(axes: Axes) -> None:
    axes.plot([1, 2, 4], label="falling & rising")
    axes.legend()


def test_an_exact_picture_keeps_every_value() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    kind, data = picture_uri(rgb, exact=True).split(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), rgb)
    assert picture_uri(rgb).startswith("data:image/jpeg;base64,/9j/")


def test_a_chart_scales_keeps_its_text_and_fetches_nothing() -> None:
    svg = chart_svg(draw)
    assert svg.startswith("<svg")
    assert "viewBox" in svg
    assert ">falling &amp; rising</text>" in svg
    assert not re.findall(r'(?:href|src)="(?!#)', svg)
    assert chart_svg(draw) == svg


def test_a_page_is_whole_and_escaped(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "base.html.j2", title="<b>&")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>&lt;b&gt;&amp;</title>" in page
    assert page.rstrip().endswith("</html>")
    write_page(tmp_path / "page.html", "base.html.j2", title=Markup("<b>"))
    assert "<title><b></title>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_may_quote_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "base.html.j2", title="caf\udce9 \ud83d")
    assert "<title>caf\ufffd \ufffd</title>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FststyleError, match=rf"cannot write {tmp_path} \(.*\); choose another place"):
        write_page(tmp_path, "base.html.j2", title="")


def test_what_the_template_misses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(jinja2.UndefinedError, match="title"):
        write_page(tmp_path / "page.html", "base.html.j2")
    assert not (tmp_path / "page.html").exists()
