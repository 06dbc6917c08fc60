"""The whole command on a tiny network: one page, nothing fetched, every number there; bad input is one line."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from fststyle import samples
from fststyle.cli import app
from fststyle.training.explain import subject
from fststyle.training.optimize.pixels import PixelOptimizer


@pytest.fixture
def explain(vgg19_file: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command in this process, on small pictures and two layers; the current folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    # The mean activations over all ten sample photos would only take longer.
    monkeypatch.setattr(subject, "reference_photos", lambda: [torch.linspace(0, 1, 3 * 32 * 32).view(1, 3, 32, 32)])
    fixed = [
        *("explain", "--style", str(painting), "--weights", str(vgg19_file), "--quick"),
        *("--style-layers", "relu1_2,relu2_2", "--content-layers", "relu1_2,relu2_2"),
        *("--size", "32", "--iterations", "2"),
    ]
    return lambda *arguments: CliRunner().invoke(app, [*fixed, *map(str, arguments)])


def without_times(page: str) -> str:
    return re.sub(r"All of it took \d+ seconds", "", page)


def test_a_page_with_everything_on_it(explain: Callable[..., Any]) -> None:
    photo = samples.photos()[0]
    pages = []
    for _ in range(2):
        done = explain("--content", photo, "-o", "a.html")
        assert done.exit_code == 0, done.output
        lines = done.stderr.splitlines()
        assert lines[-1] == "a.html: open it in a browser; it needs no network"
        assert [line.split()[0] for line in lines[1:-2]] == list("1234567")
        pages.append(Path("a.html").read_text("utf-8"))
    page = pages[0]
    assert without_times(page) == without_times(pages[1])

    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert {link.split(":")[0] for link in links if not link.startswith("#")} == {"data"}
    assert not re.search(r"@import|url\(\s*[\"']?http|<script|<link", page)
    own = set(re.findall(r'id="([^"]+)"', page))
    assert {"position", "pairs", "raw", "distribution"} <= {link[1:] for link in links if link.startswith("#")} & own

    # 64² + 128² entries, of which none changes; C(C+1)/2 of both layers; a painting of 80 pixels cut to 32.
    assert "0 of the 20,480 entries" in page
    assert "<td>2,080</td>" in page
    assert "<td>8,256</td>" in page
    assert "32×32 pixels" in page
    assert re.findall(r"<h2[^>]*>(\d) ·", page) == list("1234567")
    body = page.split("<body>")[1]
    text = re.sub(r"<[^>]*>", " ", re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL)).split()
    assert not {"nan", "inf", "None"} & set(text)


def test_without_a_photo_there_is_no_seventh_section(explain: Callable[..., Any], painting: Path) -> None:
    done = explain()
    assert done.exit_code == 0, done.output
    page = Path(f"{painting.stem}_explained.html").read_text("utf-8")
    assert re.findall(r"<h2[^>]*>(\d) ·", page) == list("123456")
    assert "the sample photo “coffee”" in page


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--style-layers", "relu9_9"], "has no layer 'relu9_9'; use one of relu1_1"),
        (["--style-layers", ""], "an explanation needs style layers; name some"),
        (["--style-layers", "relu5_1"], "use layers up to relu2_2, or a file with more layers"),
        (["--size", "1"], "is too small for relu2_2, which needs 2; enlarge it or choose shallower layers"),
        (["--style", "tiny.png"], "is too small for relu2_2, which needs 2; enlarge it or choose shallower layers"),
        (["--style", "."], "is a folder; name a picture in it"),
        (["--style", "missing.jpg"], "missing.jpg does not exist; check the path"),
        (["--content", "missing.jpg"], "missing.jpg does not exist; check the path"),
        (["--style", "text.jpg"], "is broken or not in a format we read"),
        (["--weights", "missing.pth"], "no weights file at missing.pth; check the path given as --weights"),
        (["-o", "."], "is a folder; name a file for the page"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    explain: Callable[..., Any], tmp_path: Path, changed: list[str], message: str
) -> None:
    Path("text.jpg").write_text("no picture")
    Image.new("RGB", (1, 1)).save("tiny.png")
    done = explain(*changed)
    assert (done.exit_code, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.jpg", "tiny.png"]


def test_the_painting_is_not_overwritten(explain: Callable[..., Any], painting: Path) -> None:
    before = painting.read_bytes()
    done = explain("-o", painting)
    assert done.exit_code == 1
    assert done.stderr.endswith(f"would overwrite the input {painting}; choose another output\n")
    assert painting.read_bytes() == before


def test_ctrl_c_leaves_nothing_behind(
    explain: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: PixelOptimizer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PixelOptimizer, "step", interrupt)
    done = explain("-o", "page.html")
    assert done.exit_code == 130
    assert "error" not in done.stderr
    assert list(tmp_path.iterdir()) == []
