"""The comparison with other programs finds what is planted; ffmpeg and ImageMagick are replaced by fakes."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction

import compare_readers
import numpy as np
import pytest
from clip_facts import Facts
from clip_readers import SUFFIXES as CLIPS
from make_reader_files import make
from our_reader import Answer, OurReader
from picture_readers import Seen, left_out
from PIL import Image
from reader_clips import clips
from reader_differences import (
    AVIF,
    Clip,
    Sound,
    between_clips,
    between_frames,
    between_pictures,
)
from reader_pictures import pictures_by_magick, pictures_by_pillow

SOUND = Sound(("a", "b", "c"), Fraction(0))
CLIP = Clip(96, 64, 1.0, tuple(Fraction(n, 25) for n in range(10)), Fraction(10, 25), (SOUND,), 1)


@pytest.fixture
def picture():
    rgba = np.random.default_rng(0).integers(0, 256, (32, 48, 4), np.uint8)
    rgba[..., 3] = 255
    return rgba


def changed(values, place, value):
    copy = values.copy()
    copy[place] = value
    return copy


def test_equal_pictures_and_clips_have_no_difference(picture):
    assert not list(between_pictures(picture, picture))
    assert not list(between_clips(CLIP, CLIP))
    assert not list(between_frames([picture[..., :3]] * 3, [picture[..., :3]] * 3))


def test_one_wrong_pixel_is_found_and_placed(picture):
    wrong = changed(picture, (5, 7, 0), picture[5, 7, 0] ^ 16)
    (found,) = between_pictures(wrong, picture)
    assert "worst 16 at (7, 5)" in found


def test_rounding_is_no_difference(picture):
    assert not list(between_pictures(changed(picture, (5, 7, 0), picture[5, 7, 0] ^ 1), picture))


def test_lossy_formats_may_differ_in_a_pixel_but_not_in_all(picture):
    assert not list(between_pictures(changed(picture, (5, 7, 0), picture[5, 7, 0] ^ 16), picture, AVIF))
    (found,) = between_pictures(picture ^ np.uint8([16, 16, 16, 0]), picture, AVIF)
    assert found.startswith("pixels: 24.0 dB")


def test_hidden_color_is_no_difference_but_alpha_is(picture):
    picture[3, 4, 3] = 0
    assert not list(between_pictures(changed(picture, (3, 4, 0), 255 - picture[3, 4, 0]), picture))
    assert list(between_pictures(changed(picture, (3, 4, 3), 255), picture)) == ["alpha: worst 255"]


def test_turned_picture_is_found(picture):
    assert list(between_pictures(np.rot90(picture), picture)) == ["size: 32x48, not 48x32"]


def test_wrong_pixels_in_one_frame_are_found(picture):
    frames = [picture[..., :3]] * 5
    wrong = [*frames[:3], np.roll(frames[3], 1, axis=1), frames[4]]
    (found,) = between_frames(wrong, frames)
    assert found.startswith("pixels: 1 of 5 frames, from number 3 on")


def shifted(times, number, by):
    return tuple(time + (by if n == number else 0) for n, time in enumerate(times))


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        (replace(CLIP, times=CLIP.times[:-1]), "frames: 9, not 10"),
        (replace(CLIP, times=shifted(CLIP.times, 4, Fraction(1, 500))), "times: 1 of 10, from number 4 on"),
        (replace(CLIP, times=tuple(t + 50_000 for t in CLIP.times)), "times: 10 of 10"),
        (replace(CLIP, times=tuple(t + Fraction(1, 25) for t in CLIP.times)), "sound 0: begins at -0.040 s"),
        (replace(CLIP, end=Fraction(3)), "last frame: shown until 3.000 s, not 0.400 s"),
        (replace(CLIP, aspect=1.42), "pixel aspect: 1.420, not 1.000"),
        (replace(CLIP, width=64, height=96), "size: 64x96, not 96x64"),
        (replace(CLIP, sounds=(Sound(("a", "x", "c"), Fraction(0)),)), "sound 0: 1 of 3 packets changed"),
        (replace(CLIP, sounds=(Sound(("a", "c"), Fraction(0)),)), "sound 0: 2 packets, not 3"),
        (replace(CLIP, sounds=(Sound(SOUND.packets, Fraction(1, 50)),)), "sound 0: begins at 0.020 s, not 0.000 s"),
        (replace(CLIP, sounds=()), "sound: 0 streams, not 1"),
        (replace(CLIP, subtitles=0), "subtitles: 0 streams, not 1"),
    ],
)
def test_planted_difference_of_a_clip_is_found(planted, named):
    assert any(what.startswith(named) for what in between_clips(planted, CLIP))


def test_sound_that_an_edit_list_hides_may_be_left_out():
    whole = replace(CLIP, sounds=(replace(SOUND, start=Fraction(-1, 10), hidden=1, heard=Fraction(0)),))
    assert not list(between_clips(replace(CLIP, sounds=(Sound(("b", "c"), Fraction(0)),)), whole))
    assert list(between_clips(replace(CLIP, sounds=(Sound(("a", "b"), Fraction(0)),)), whole))


class FakeReader:
    """Paints what it is told to, instead of fststyle."""

    def __init__(self, pixels):
        self.pixels = pixels

    def __call__(self, *arguments):
        name = arguments[2]
        if "refused" in name:
            return Answer(1, f"error: {name} is refused; save it again")
        if "odd" in name:
            raise ValueError("odd")
        Image.fromarray(self.pixels).save(arguments[4])
        return Answer(0, "")

    def close(self):
        pass


@pytest.fixture
def compare(monkeypatch, tmp_path, picture):
    """Run `main` on files of these names, read by the others as `picture`, and by us as something."""

    def run(*names, ours=picture, theirs=picture, vips=None):
        for name in names:
            (tmp_path / name).touch()
        monkeypatch.setattr(compare_readers, "OurReader", lambda _: FakeReader(ours))
        monkeypatch.setattr(compare_readers, "by_magick", lambda *_: Seen(theirs))
        monkeypatch.setattr(compare_readers, "by_vips", lambda *_: Seen(vips))
        monkeypatch.setattr(compare_readers.picture_readers, "missing", lambda: None)
        monkeypatch.setattr(compare_readers.clip_readers, "missing", lambda: None)
        status = compare_readers.main([str(tmp_path), "--json", str(tmp_path / "out.json")])
        return status, {row["path"][-8:]: row for row in json.loads((tmp_path / "out.json").read_text())}

    return run


def test_status_and_table_of_equal_files(compare, capsys):
    status, rows = compare("aaaa.png", "bbbb.tif")
    assert (status, {row["verdict"] for row in rows.values()}) == (0, {"equal"})
    assert "| .png | 1 | 1 |" in capsys.readouterr().out


def test_bad_files_do_not_stop_the_run(compare, picture):
    status, rows = compare("_odd.png", "refused.png", "zzzz.png", theirs=picture)
    assert status == 1
    assert [row["verdict"] for row in rows.values()] == ["differs", "refused by us only", "equal"]


def test_planted_pixel_makes_the_status_1(compare, picture):
    status, rows = compare("aaaa.png", ours=changed(picture, (0, 0, 0), picture[0, 0, 0] ^ 64))
    assert (status, rows["aaaa.png"]["verdict"]) == (1, "differs")


def test_difference_of_imagemagick_alone_is_told_but_is_ours_no_more(compare, picture):
    status, rows = compare("aaaa.png", theirs=picture[:, ::-1], vips=picture)
    assert (status, rows["aaaa.png"]["verdict"]) == (0, "disputed")


def test_file_that_both_refuse(compare):
    status, rows = compare("refused.png", theirs=None)
    assert (status, next(iter(rows.values()))["verdict"]) == (0, "refused by both")


def test_missing_program_is_one_line_that_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert compare_readers.main([str(tmp_path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "install" in said[0]


def test_our_reader_runs_fststyle_and_ends_what_hangs(tmp_path):
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    Image.new("RGB", (20, 10), (200, 100, 50)).save(source)
    reader = OurReader(60)
    try:
        bad = reader("stylize", str(compare_readers.NETWORK), str(tmp_path / "none.png"), "-o", str(target))
        assert bad.status == 1
        assert "does not exist" in bad.reason
        assert reader("stylize", str(compare_readers.NETWORK), str(source), "-o", str(target)).status == 0
        assert Image.open(target).getpixel((3, 3)) == (200, 100, 50)
    finally:
        reader.close()
    hasty = OurReader(0)
    answer = hasty("stylize", str(compare_readers.NETWORK), str(source), "-o", str(target))
    assert (answer.status, answer.reason) == (None, "error: not done after 0 s")


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((1, 0, 0, 1), ()),
        ((-1, 0, 0, 1), ("hflip",)),
        ((1, 0, 0, -1), ("vflip",)),
        ((-1, 0, 0, -1), ("hflip", "vflip")),
        ((0, 1, -1, 0), ("transpose=clock",)),
        ((0, -1, 1, 0), ("transpose=cclock",)),
        ((0, 1, 1, 0), ("transpose=cclock_flip",)),
        ((0, -1, -1, 0), ("transpose=clock_flip",)),
    ],
)
def test_display_matrix_becomes_the_filters_that_ffmpeg_takes(matrix, turn):
    a, b, c, d = (65536 * value for value in matrix)
    text = f"\n00000000: {a} {b} 0\n00000001: {c} {d} 0\n00000002: 0 0 1073741824\n"
    stream = {"side_data_list": [{"displaymatrix": text}]}
    assert Facts(0, Fraction(0), stream, True, None, (), 0).turn == turn


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("cicp_p3.png", "its cICP"),
        ("gama_55556.png", "its gAMA of 55556"),
        ("gama_45455.png", None),
        ("gama_100000.png", None),
        ("exif_6.jpg", None),
    ],
)
def test_what_the_others_leave_out_is_known(tmp_path, name, what):
    make(tmp_path, {name: pictures_by_pillow()[name]})
    assert left_out(tmp_path / name) == what


def test_only_the_first_deinterlaced_frame_may_be_far_off(picture):
    rgb = picture[..., :3] // 2 + 64
    far = [rgb, np.uint8(rgb + 8), rgb]
    assert len(list(between_frames(far, [rgb] * 3, fields=True))) == 1
    assert not list(between_frames(far[1:], [rgb] * 2, fields=True))


def test_pillow_makes_its_files(tmp_path):
    recipes = {name: recipe for name, recipe in pictures_by_pillow().items() if not name.endswith(".avif")}
    there, failed = make(tmp_path, recipes)
    assert there + len(failed) == len(recipes) >= 90  # more where Ghostscript has brought color profiles
    assert len(failed) < 10  # modes that a format does not have
    assert Image.open(tmp_path / "exif_6.jpg").getexif()[0x0112] == 6


def test_there_are_enough_recipes_of_known_suffixes():
    assert len(pictures_by_magick() | pictures_by_pillow()) >= 250
    names = clips()
    assert len(names) >= 300
    assert all(f".{name.rpartition('.')[2]}" in CLIPS for name in names)


@pytest.mark.skipif(
    not all(map(shutil.which, ("convert", "ffmpeg", "ffprobe"))), reason="needs ImageMagick's convert, ffmpeg, ffprobe"
)
def test_real_programs_agree_about_a_picture_and_a_clip(tmp_path):
    recipes = {"exif_6.jpg": pictures_by_pillow()["exif_6.jpg"], "vfr.mkv": clips()["vfr.mkv"]}
    assert make(tmp_path, recipes) == (2, [])
    assert compare_readers.main([str(tmp_path)]) == 0
