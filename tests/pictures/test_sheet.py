import numpy as np
import pytest

from fststyle.pictures.sheet import contact_sheet, middle_square


def plain(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_equal_pictures_are_copied_pixel_for_pixel() -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 5, 7, 3), np.uint8))
    sheet = contact_sheet([pictures[:2], pictures[2:]], gap=2, background=9)
    assert sheet.shape == (12, 16, 3)
    np.testing.assert_array_equal(sheet[:5, :7], pictures[0])
    np.testing.assert_array_equal(sheet[:5, 9:], pictures[1])
    np.testing.assert_array_equal(sheet[7:, :7], pictures[2])
    np.testing.assert_array_equal(sheet[7:, 9:], pictures[3])
    assert (sheet[5:7] == 9).all()
    assert (sheet[:, 7:9] == 9).all()


def test_a_smaller_picture_is_enlarged_and_centered() -> None:
    sheet = contact_sheet([[plain(4, 8, 50)], [plain(2, 2, 100), plain(4, 4, 0)]], gap=0)
    assert sheet.shape == (8, 12, 3)
    assert (sheet[4:, 2:6] == 100).all()  # 2×2 became as high as its row, in the middle of a column of 8
    assert (sheet[4:, [0, 1, 6, 7]] == 255).all()
    assert (sheet[4:, 8:] == 0).all()
    assert (sheet[:4, 8:] == 255).all()  # the first row is shorter


def test_nothing_to_show() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([[]])


def test_the_middle_square_is_of_the_shorter_side() -> None:
    picture = np.zeros((4, 10, 3), np.uint8)
    picture[:, 3:7] = 200
    assert (middle_square(picture, 2) == 200).all()
    assert middle_square(picture.transpose(1, 0, 2), 6).shape == (6, 6, 3)
