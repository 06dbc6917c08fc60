import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fststyle import samples

FOLDER = samples.photo_folder().parent
FREE = ("public domain", "CC0", "CC BY 2.0")


def license_rows():
    """File name -> its row in the README, as a list of cells."""
    rows = [line.strip("| ").split(" | ") for line in (FOLDER / "README.md").read_text("utf-8").splitlines()]
    return {row[0].strip("`"): row for row in rows if row[0].endswith(".jpg`")}


def test_there_are_ten_photos_and_three_styles():
    assert len(samples.photos()) == 10
    assert [path.stem for path in samples.styles()] == ["glass", "swirls", "woodcut"]


def test_photo_folder_holds_the_photos_and_nothing_else():
    assert sorted(samples.photo_folder().iterdir()) == samples.photos()


@pytest.mark.parametrize("path", samples.photos(), ids=lambda path: path.stem)
def test_photo_is_large_enough_to_crop_and_carries_no_metadata(path):
    with Image.open(path) as photo:
        photo.load()
        assert (photo.format, photo.mode) == ("JPEG", "RGB")
        assert min(photo.size) >= 300
        assert max(photo.size) <= 640
        assert not photo.getexif()
        assert "icc_profile" not in photo.info


@pytest.mark.parametrize("path", samples.styles(), ids=lambda path: path.stem)
def test_style_is_a_square_that_is_small_to_store(path):
    with Image.open(path) as style:
        style.load()
        assert (style.format, style.mode, style.size) == ("JPEG", "RGB", (768, 768))
    assert path.stat().st_size < 250_000


def test_photos_together_stay_small():
    assert sum(path.stat().st_size for path in samples.photos()) < 1_200_000


def test_every_file_and_no_other_has_a_row_with_a_free_license():
    rows = license_rows()
    assert set(rows) == {path.name for path in samples.photos() + samples.styles()}
    for row in rows.values():
        assert any(name in row[3] for name in FREE), row


def test_photos_under_cc_by_name_and_link_their_author():
    attributed = [row for row in license_rows().values() if "CC BY" in row[3]]
    assert {row[0] for row in attributed} == {"`flower.jpg`", "`temple.jpg`"}
    for row in attributed:
        assert re.fullmatch(r"\[\w+\]\(https://www\.flickr\.com/photos/\w+/\d+/\)", row[2])


def test_style_by_name():
    assert samples.style("swirls") == FOLDER / "styles" / "swirls.jpg"


def test_unknown_style_lists_those_there_are():
    with pytest.raises(ValueError, match=r"'cubism'.*glass, swirls, woodcut"):
        samples.style("cubism")


def test_samples_need_only_the_standard_library():
    # Loaded alone, since the package around it may import more.
    source = Path(samples.__file__)
    program = (
        "import importlib.util, sys; before = set(sys.modules)\n"
        f"spec = importlib.util.spec_from_file_location('samples', {str(source)!r})\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
