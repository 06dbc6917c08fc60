"""`paint_files`: what the command does, called from Python."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fststyle import Blend, Controls, FststyleError, ImageError, Result, Stylizer, networks, paint_files
from fststyle.pictures.files import encode_picture, read_picture, resize, write_picture

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Pixels) -> Path:
    """The current folder, with a.png, b.png and sub/c.png in `in`."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a", "b", "sub/c")):
        write_picture(Path(f"in/{name}.png"), photo + np.uint8(number))
    return tmp_path


def names(results: list[Result]) -> list[str]:
    return [result.job.target.as_posix() for result in results if result.job.target is not None]


def test_a_folder(identity: Path, photo: Pixels, capsys: pytest.CaptureFixture[str]) -> None:
    results = paint_files(identity, "in")
    assert names(results) == ["in_identity/a.png", "in_identity/b.png", "in_identity/sub/c.png"]
    assert all(result.error is None and not result.skipped and result.seconds > 0 for result in results)
    np.testing.assert_array_equal(read_picture("in_identity/sub/c.png").rgb, photo + np.uint8(2))
    assert capsys.readouterr() == ("", "")


def test_what_paints_may_be_named_in_every_way(identity: Path, photo: Pixels, save: Any, assets: Any) -> None:
    black = save(assets["gain_model"](0.0), name="black.onnx")
    models: list[Any] = [
        *(identity, str(identity), identity.read_bytes(), Stylizer(identity)),
        *({identity: 1, str(black): 1e-6}, Blend.load(f"{identity}:1")),
    ]
    for number, model in enumerate(models):
        (result,) = paint_files(model, Path("in/a.png"), f"{number}.png")
        assert result.error is None
        np.testing.assert_allclose(read_picture(f"{number}.png").rgb, photo, atol=1)


def test_a_network_that_ships() -> None:
    name = min(networks(), key=lambda name: networks()[name].stat().st_size)
    assert names(paint_files(name, ["in/a.png"], threads=1)) == [f"a_{Stylizer(name).style}.png"]


def test_paintings_of_two_files_of_one_style_have_names_of_their_own(identity: Path, tmp_path: Path) -> None:
    further = tmp_path / "further.onnx"
    further.write_bytes(identity.read_bytes())
    assert Stylizer(further).style == "identity"
    assert names(paint_files(further, ["in/a.png"])) == ["a_further.png"]
    assert names(paint_files({identity: 1, str(further): 1}, ["in/a.png"])) == ["a_identity_further.png"]
    assert names(paint_files(further.read_bytes(), ["in/a.png"])) == ["a_identity.png"]


def test_the_gallery_names_paintings_after_styles_and_files_after_themselves() -> None:
    ships = networks()["great_wave_tiny"]
    assert names(paint_files("great_wave_tiny", ["in/a.png"], threads=1)) == ["a_great_wave.png"]
    assert names(paint_files(ships, ["in/a.png"], threads=1)) == ["a_great_wave_tiny.png"]


def test_controls_and_settings_arrive(save: Any, assets: Any, photo: Pixels) -> None:
    dark = save(assets["gain_model"](0.5), name="dark.onnx")
    controls = Controls(strength=0.5, keep_color=True)
    half = Controls(strength=0.5)
    results = paint_files(
        dark, ["in/a.png"], "out/", half, keep_color=True, max_side=20, quality=80, format="JPG", device="cpu"
    )
    assert names(results) == ["out/a.jpg"]
    wanted = Stylizer(dark)(resize(photo, 14, 20), controls)
    assert Path("out/a.jpg").read_bytes() == encode_picture(wanted, None, ".jpg", quality=80, painting=True)


def test_one_bad_picture_does_not_stop_the_others_and_each_is_told_at_once(identity: Path) -> None:
    Path("in/b.png").write_bytes(b"no picture")
    told: list[Any] = []
    results = paint_files(identity, ["in"], "out", begun=told.append, painted=told.append)
    assert told == [3, *results]
    assert [type(result.error) for result in results] == [type(None), ImageError, type(None)]
    assert "in/b.png" in str(results[1].error)
    assert sorted(path.name for path in Path("out").rglob("*.png")) == ["a.png", "c.png"]


def test_a_second_run_goes_on_and_the_manifest_says_so(identity: Path, tmp_path: Path) -> None:
    counts: list[int] = []
    paint_files(identity, "in", "out", shard="1/2", manifest="log.jsonl")
    results = paint_files(
        identity, "in", "out", skip_existing=True, manifest=tmp_path / "log.jsonl", begun=counts.append
    )
    assert counts == [1]
    assert [(result.job.source.name, result.skipped) for result in results if result.job.source] == [
        *[("a.png", True), ("c.png", True), ("b.png", False)]
    ]
    lines = [json.loads(line) for line in Path("log.jsonl").read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == ["done"] * 2 + ["skipped"] * 2 + ["done"]
    assert {line["style"] for line in lines} == {"identity"}
    assert ["networks" in line for line in lines] == [True] * 2 + [False] * 2 + [True]
    (result,) = paint_files(identity, "in", "other", shard=(2, 2))
    assert result.job.target == Path("other/b.png")


def test_the_manifest_has_what_a_picture_is_repeated_with(identity: Path, save: Any, assets: Any) -> None:
    dark = save(assets["gain_model"](0.5), name="dark.onnx")
    mask = np.full((2, 2), 255, np.uint8)
    asked: dict[str, Any] = {"strength": np.float32(0.5), "grain": 3, "passes": 2, "mask": mask, "max_side": 20}
    paint_files(
        {identity: 3, str(dark): 1}, "in/a.png", "out/", manifest="log.jsonl", quality=80, layout="rgb1", **asked
    )
    line = json.loads(Path("log.jsonl").read_text("utf-8"))
    assert line["networks"] == [
        {"network": str(path), "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(), "weight": weight}
        for path, weight in ((identity, 0.75), (dark, 0.25))
    ]
    assert (line["max_side"], line["quality"], line["layout"]) == (20, 80, "rgb1")
    controls = line["controls"]
    assert controls == Controls(0.5, mask=mask, grain=3, passes=2).facts()
    kept = {name: value for name, value in controls.items() if name != "mask"}
    again = {entry["network"]: entry["weight"] for entry in line["networks"]}
    paint_files(again, "in/a.png", "again/", quality=line["quality"], max_side=line["max_side"], mask=mask, **kept)
    assert Path("again/a.png").read_bytes() == Path("out/a.png").read_bytes()


def test_nothing_that_is_read_is_overwritten(identity: Path, photo: Pixels) -> None:
    mine = Path("in/mine.png")
    mine.write_bytes(identity.read_bytes())
    write_picture(Path("mask.png"), photo)
    for output, keep in (("in/a.png", []), (mine, []), ("mask.png", ["mask.png"]), ("mask.png", "mask.png")):
        before = Path(output).read_bytes()
        (result,) = paint_files(mine, "in/a.png", output, keep=keep)
        assert "would overwrite the input" in str(result.error)
        assert Path(output).read_bytes() == before
    with pytest.raises(FststyleError, match="would overwrite the input in"):
        paint_files(identity, "in/a.png", "b.png", manifest="in/a.png")


def test_streams_are_used_only_where_named(identity: Path, photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, data: bytes = b"") -> None:
            self.buffer = io.BytesIO(data)

    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)
    assert names(paint_files(identity, "in/a.png", "x.png")) == ["x.png"]
    with pytest.raises(FststyleError, match="standard input"):
        paint_files(identity, "-", "y.png")
    stdin, stdout = Stream(encode_picture(photo, None, ".bmp")), Stream()
    monkeypatch.setattr("sys.stdin", stdin)
    monkeypatch.setattr("sys.stdout", stdout)
    (result,) = paint_files(identity, "-", "-")
    assert result.error is None
    np.testing.assert_array_equal(read_picture(io.BytesIO(stdout.buffer.getvalue())).rgb, photo)


def test_an_open_network_is_not_opened_otherwise(identity: Path) -> None:
    for given in ({"device": "cpu"}, {"memory": 10**9}, {"threads": 1}):
        with pytest.raises(ValueError, match=f"{next(iter(given))}.* open already; give .* to Stylizer"):
            paint_files(Stylizer(identity), "in", **given)  # type: ignore[arg-type]


def test_wrong_arguments_are_refused_before_anything_is_painted(identity: Path) -> None:
    for wrong in ({"format": "xyz"}, {"shard": "3/2"}, {"shard": (0, 1)}, {"max_side": 0}, {"quality": 101}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            paint_files(identity, "in", "out", **wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="strenght"):
        paint_files(identity, "in", "out", strenght=1)  # type: ignore[call-arg]
    assert not Path("out").exists()
    assert paint_files(identity, [], "out") == []
