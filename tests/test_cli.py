import io
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from fststyle import __version__
from fststyle.cli import app
from fststyle.commands.console import plain
from fststyle.errors import CheckpointError
from fststyle.jobs import run as batch
from fststyle.model.file import read_model, write_foreign_model, write_model
from fststyle.paint.controls import Controls
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, fit_longer_side, read_picture, resize, write_picture

Pixels = NDArray[np.uint8]
Python = Callable[..., CompletedProcess[bytes]]


@pytest.fixture
def fststyle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command in this process; the current folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_version(fststyle: Callable[..., Any]) -> None:
    assert fststyle("--version").output == f"fststyle {__version__}\n"


def test_a_pipe_carries_the_picture_and_nothing_else(run_python: Python, identity: Path, photo: Pixels) -> None:
    stdin = encode_picture(photo, None, ".png")
    done = run_python("-m", "fststyle", "stylize", identity, "-", "-o", "-", "--format", "bmp", stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == encode_picture(photo, None, ".bmp", painting=True)


def test_one_line_and_status_1(run_python: Python) -> None:
    done = run_python("-m", "fststyle", "stylize", "missing.onnx", "a.jpg")
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == ["error: missing.onnx does not exist; check the path"]


def test_debug_shows_where(fststyle: Callable[..., Any]) -> None:
    result = fststyle("--debug", "info", "missing.onnx")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("error: missing.onnx does not exist; check the path\n")


def test_a_usage_error_is_status_2(fststyle: Callable[..., Any], identity: Path) -> None:
    assert fststyle("stylize", identity).exit_code == 2
    assert fststyle("stylize", identity, "a.jpg", "--strength", "2").exit_code == 2
    assert fststyle("stylise").exit_code == 2


def test_one_file(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    write_picture(Path("cat.png"), photo)
    result = fststyle("stylize", identity, "cat.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("cat_identity.png (")
    np.testing.assert_array_equal(read_picture(Path("cat_identity.png")).rgb, photo)


def test_a_folder_with_a_bad_file(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    write_picture(Path("in/a.png"), photo)
    write_picture(Path("in/sub/b.png"), photo)
    Path("in/bad.jpg").write_bytes(b"no")
    result = fststyle("stylize", identity, "in", "-o", "out")
    assert result.exit_code == 1
    first, middle, last = result.stderr.splitlines()
    assert first.startswith("error: in/bad.jpg is broken")
    assert middle.startswith("2 pictures in 2 folders (")
    assert last == "error: 1 of 3 pictures failed: in/bad.jpg"
    assert Path("out/sub/b.png").is_file()


def test_options_arrive(
    fststyle: Callable[..., Any], assets: dict[str, Any], save: Callable[..., Path], photo: Pixels
) -> None:
    dark = save(assets["gain_model"](0.5), name="dark.onnx")
    write_picture(Path("a.png"), photo)
    options = [
        "--max-side",
        "20",
        "--quality",
        "80",
        "--keep-color",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--format",
        "JPG",
    ]
    result = fststyle("stylize", dark, "a.png", "-o", "out/", "--strength", "0.5", *options)
    assert result.exit_code == 0, result.output
    wanted = Stylizer.load(dark)(fit_longer_side(photo, 20), strength=0.5, keep_color=True)
    assert wanted.shape == (14, 20, 3)
    assert Path("out/a.jpg").read_bytes() == encode_picture(wanted, None, ".jpg", quality=80, painting=True)


def test_masks_scales_grain_and_blends_arrive(
    fststyle: Callable[..., Any], identity: Path, assets: dict[str, Any], save: Callable[..., Path], photo: Pixels
) -> None:
    write_picture(Path("a.png"), photo)
    write_picture(
        Path("mask.png"), np.dstack([np.where(np.arange(47) < 20, 255, 0).astype(np.uint8)] * 3).repeat(33, 0)
    )
    black = save(assets["gain_model"](0.0), name="black.onnx")
    result = fststyle("stylize", black, "a.png", "-o", "masked.png", "--mask", "mask.png")
    assert result.exit_code == 0, result.output
    masked = read_picture(Path("masked.png")).rgb
    assert (masked[:, :20] == 0).all()
    np.testing.assert_array_equal(masked[:, 20:], photo[:, 20:])
    result = fststyle("stylize", "--blend", f"{black}:1,{identity}:3", "a.png", "-o", "blended.png")
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(read_picture(Path("blended.png")).rgb, 0.75 * photo, atol=0.51)
    one = ("--passes", "1", "--memory", "1GB", "--exact")
    result = fststyle("stylize", identity, "a.png", "-o", "coarse.png", "--scale", "3", *one)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(read_picture(Path("coarse.png")).rgb, resize(resize(photo, 11, 16), 33, 47))
    result = fststyle("stylize", "--blend", f"{black}:1,{identity}:1", "a.png", "-o", "grained.png", "--grain", "8")
    assert result.exit_code == 0, result.output
    grained = Controls(grain=8).apply(photo, lambda rgb: rgb)
    np.testing.assert_allclose(read_picture(Path("grained.png")).rgb, 0.5 * grained, atol=0.51)
    result = fststyle("stylize", identity, "a.png", "-o", "grained.png", "--grain", "8")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(read_picture(Path("grained.png")).rgb, grained)
    assert fststyle("stylize", identity).exit_code == 2


def test_shards_skips_and_a_manifest(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    for name in ("a", "b", "c"):
        write_picture(Path(f"in/{name}.png"), photo)
    Path("in/rotten.png").write_bytes(b"no")
    arguments = ("stylize", identity, "in", "-o", "out", "--skip-existing", "--manifest", "out.jsonl")
    result = fststyle(*arguments, "--shard", "1/2")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]
    result = fststyle(*arguments)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1].startswith("2 pictures were there already, painted with whatever settings; ")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]
    assert [(line["source"], line["status"]) for line in lines] == [
        *(("in/a.png", "done"), ("in/c.png", "done"), ("in/a.png", "skipped"), ("in/c.png", "skipped")),
        *(("in/b.png", "done"), ("in/rotten.png", "failed")),
    ]
    assert fststyle("stylize", identity, "in", "-o", "out", "--shard", "3/2").exit_code == 1


def test_skipping_compares_no_picture_with_every_other(
    fststyle: Callable[..., Any], identity: Path, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("in/a.png", "in/b.png", "out/b.png"):
        write_picture(Path(name), photo)
    monkeypatch.setattr(batch.Job, "__eq__", None)
    result = fststyle("stylize", identity, "in", "-o", "out", "--skip-existing")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[0].startswith("1 picture was there already, painted with whatever settings; ")


@pytest.mark.parametrize("arguments", [["-o", "mask.png"], ["-o", "b.png", "--manifest", "mask.png"]])
def test_a_mask_is_an_input_too(
    fststyle: Callable[..., Any], identity: Path, photo: Pixels, arguments: list[str]
) -> None:
    write_picture(Path("a.png"), photo)
    write_picture(Path("mask.png"), photo)
    before = Path("mask.png").read_bytes()
    result = fststyle("stylize", identity, "a.png", "--mask", "mask.png", *arguments)
    assert result.exit_code == 1
    assert "would overwrite the input mask.png; choose another output" in result.stderr
    assert Path("mask.png").read_bytes() == before
    assert not Path("b.png").exists()


def test_a_name_does_not_steer_the_terminal(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    for name in ("in/a.png", "in/b.png"):
        write_picture(Path(name), photo)
    shown = fststyle("stylize", identity, "in/a.png", "-o", "\x1b[31m.png").stderr
    shown += fststyle("stylize", identity, "in", "-o", "\x1b[32m").stderr
    Path("\x1b[33m.onnx").write_bytes(identity.read_bytes())
    shown += fststyle("quantize", "\x1b[33m.onnx", "\x1b[34m.onnx", "--precision", "fp32", "--photos", "in").stdout
    assert "\x1b" not in shown
    assert [rf"\x1b[3{color}m" in shown for color in range(1, 5)] == [True] * 4


def test_quantize(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    write_picture(Path("photos/a.png"), photo)
    result = fststyle("quantize", identity, "b.onnx", "--precision", "fp32", "--io", "uint8", "--photos", "photos")
    assert result.exit_code == 0, result.output
    assert "inf dB" in result.stdout
    assert fststyle("info", "b.onnx").exit_code == 0
    result = fststyle("quantize", identity, "b.onnx", "--precision", "int3")
    assert (result.exit_code, result.stderr) == (1, "error: precision must be one of fp32, fp16, int8, not 'int3'\n")


def test_wrong_values_are_one_line(fststyle: Callable[..., Any], identity: Path) -> None:
    result = fststyle("stylize", identity, "a.png", "--layout", "bgr")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: layout must be one of rgb1, rgb255, rgb-1to1, bgr1, bgr255, bgr-1to1, not 'bgr'\n",
    )
    assert "one of auto, cuda" in fststyle("stylize", identity, "a.png", "--device", "gpu").stderr


def test_warnings_are_one_line(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    frames = io.BytesIO()
    pictures = [read_picture(io.BytesIO(encode_picture(photo // n, None, ".png"))).rgb for n in (1, 2)]
    from PIL import Image

    Image.fromarray(pictures[0]).save(frames, "GIF", save_all=True, append_images=[Image.fromarray(pictures[1])])
    Path("moving.gif").write_bytes(frames.getvalue())
    result = fststyle("stylize", identity, "moving.gif", "-o", "still.png")
    assert result.stderr.splitlines()[0] == "warning: moving.gif holds several frames or pages; only the first is used"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "a/b"), "a/b: Permission denied; check the path and its permissions"),
        (OSError(28, "No space left on device"), "disk full: No space left on device; make room\n"),
        (OSError(24, "Too many open files"), "Too many open files\n"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def refuse(_: Path) -> None:
        raise error

    monkeypatch.setattr("fststyle.model.file.read_model", refuse)
    result = fststyle("info", "a.onnx")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {said}")
    assert result.stderr.count("\n") == 1
    assert "Traceback" in fststyle("--debug", "info", "a.onnx").stderr


def test_nobody_listens_any_more(fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("fststyle.model.file.read_model", refuse)
    result = fststyle("info", "a.onnx")
    assert (result.exit_code, result.stderr) == (1, "")


def test_ctrl_c_is_status_130(
    fststyle: Callable[..., Any], identity: Path, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "_painted", interrupt)
    write_picture(Path("a.png"), photo)
    result = fststyle("stylize", identity, "a.png")
    assert (result.exit_code, result.output) == (130, "")


def test_info(fststyle: Callable[..., Any], identity: Path, assets: dict[str, Any], tmp_path: Path) -> None:
    lines = dict(line.split(maxsplit=1) for line in fststyle("info", identity).stdout.splitlines())
    assert lines["painting"] == "Nobody, Nothing, 1900"
    assert lines["costs"] == '{"content": 0.0, "style": 1.5}'
    facts = json.loads(fststyle("info", identity, "--json").stdout)
    known = {"shape": ["free", 3, "free", "free"], "type": "float32", "layout": "NCHW", "channels": "RGB"}
    assert facts["input"] == {"name": "content", **known, "range": "0..1"}
    assert facts["output"] == {"name": "stylized", **known, "range": "0..1"}
    assert facts["feed"] == "float32 RGB in 0..1, of shape (batch, 3, height, width)"
    assert facts["sides"] == "both free, from 1 pixels"
    assert facts["card"]["style"] == "identity"
    (tmp_path / "foreign.onnx").write_bytes(assets["gain_model"]().SerializeToString())
    assert "not made by fststyle" in fststyle("info", "foreign.onnx").stdout
    foreign = json.loads(fststyle("info", "foreign.onnx", "--json").stdout)
    assert foreign["card"] is None
    assert foreign["input"]["range"] is None
    assert foreign["feed"] == "float32 RGB or BGR in 0..1, 0..255 or -1..1, of shape (batch, 3, height, width)"
    assert foreign["sides"] == "both free"
    assert facts["strength"] == "a cross-fade"


def test_info_of_a_network_of_bytes(
    fststyle: Callable[..., Any], identity: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    write_picture(tmp_path / "photos" / "a.png", photo)
    options = ("--precision", "fp32", "--io", "uint8", "--photos", "photos")
    assert fststyle("quantize", identity, "bytes.onnx", *options).exit_code == 0
    facts = json.loads(fststyle("info", "bytes.onnx", "--json").stdout)
    known = {"shape": ["free", "free", "free", 3], "type": "uint8", "layout": "NHWC", "channels": "RGB"}
    assert facts["input"] == {"name": "content", **known, "range": "0..255"}
    assert facts["output"] == {"name": "stylized", **known, "range": "0..255"}
    assert facts["feed"] == "uint8 RGB in 0..255, of shape (batch, height, width, 3)"
    lines = dict(line.split(maxsplit=1) for line in fststyle("info", "bytes.onnx").stdout.splitlines())
    assert lines["feed"] == facts["feed"]
    assert json.loads(lines["input"]) == facts["input"]


def pretend(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """Put a module in the place of one of `fststyle.training`."""
    package = types.ModuleType("fststyle.training")
    module = types.ModuleType(f"fststyle.training.{name}")
    vars(module).update(members)
    vars(package)[name] = module
    monkeypatch.setitem(sys.modules, "fststyle.training", package)
    monkeypatch.setitem(sys.modules, f"fststyle.training.{name}", module)


@pytest.mark.parametrize("status", [None, 0, 143])
def test_train_passes_its_arguments_on_untouched(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    received: list[str] = []

    def train(arguments: list[str]) -> int | None:
        received.extend(arguments)
        return status

    pretend(monkeypatch, "cli", main=train)
    arguments = ["--config", "a.yaml", "-x", "--help-all", "--debug", "--model.width=0.5", "--", "word", "-"]
    assert fststyle("train", *arguments).exit_code == (status or 0)
    assert received == arguments


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_trains_help_needs_no_torch(run_python: Python, asked: str) -> None:
    program = "import sys; sys.modules['torch'] = sys.modules['yaml'] = None; from fststyle.cli import main; main()"
    done = run_python("-c", program, "train", "mine.jpg", asked)
    assert done.returncode == 0, done.stderr
    assert b"--photos FOLDER" in done.stdout


def test_export_says_what_it_wrote_and_what_comes_next(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, assets: dict[str, Any]
) -> None:
    def export(checkpoint: Path, output: Path, *, licence: str | None = None) -> Any:
        assert (checkpoint, output, licence) == (Path("last.ckpt"), Path("my wave.onnx"), "CC0-1.0")
        return assets["CARD"]

    pretend(monkeypatch, "export", export_checkpoint=export)
    Path("last.ckpt").touch()
    result = fststyle("export", "last.ckpt", "my wave.onnx", "--licence", "CC0-1.0")
    assert result.stdout.splitlines() == [
        "my wave.onnx: identity, identity, 0 steps, content 0, style 1.5, judged by none",
        "next: fststyle stylize 'my wave.onnx' photo.jpg",
    ]


def test_exporting_refuses_what_it_would_not_heed_or_destroy(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, "export", export_checkpoint=None)
    result = fststyle("export", "last.ckpt", "a.onnx", "--photos", "in")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: --photos is for another --precision or --io; give one of them, or leave it out\n",
    )
    Path("last.ckpt").touch()
    result = fststyle("export", "last.ckpt", "last.ckpt", "--io", "uint8")
    assert result.exit_code == 1
    assert result.stderr == "error: last.ckpt would overwrite the input last.ckpt; choose another output\n"


def test_training_without_torch_names_the_extra(fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_torch(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    pretend(monkeypatch, "export", export_checkpoint=no_torch)
    Path("a.ckpt").touch()
    result = fststyle("export", "a.ckpt", "a.onnx")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: this needs torch, which is not installed; pip install 'fststyle[train]'\n",
    )
    pretend(monkeypatch, "cli", main=no_torch)
    assert "pip install 'fststyle[train]'" in fststyle("train").stderr


def test_errors_of_the_training_wing_are_one_line(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: list[str]) -> None:
        raise CheckpointError("last.ckpt is broken; train again")

    pretend(monkeypatch, "cli", main=fail)
    result = fststyle("train")
    assert (result.exit_code, result.stderr) == (1, "error: last.ckpt is broken; train again\n")


def test_nobody_else_writes_on_the_terminal() -> None:
    assert plain("two\nlines \x1b[31mred\x1b[0m \u202egpj.exe") == r"two\nlines \x1b[31mred\x1b[0m \u202egpj.exe"
    assert plain("Fête 猫 👩‍🎨") == "Fête 猫 👩‍🎨"


def test_exporting_takes_a_runs_folder(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, assets: dict[str, Any]
) -> None:
    got: list[tuple[Path, Path]] = []

    def export(checkpoint: Path, output: Path, *, licence: str | None = None) -> Any:
        got.append((checkpoint, output))
        return assets["CARD"]

    pretend(monkeypatch, "export", export_checkpoint=export)
    for run in ("runs/mine", "runs/other", "alone"):
        Path(run).mkdir(parents=True)
    for run in ("runs/mine", "runs/other"):
        Path(run, "last.ckpt").touch()
    for arguments in (["runs/mine", "a.onnx"], ["runs/mine/", "-o", "a.onnx"], ["runs/mine/last.ckpt", "a.onnx"]):
        assert fststyle("export", *arguments).exit_code == 0
    assert got == [(Path("runs/mine/last.ckpt"), Path("a.onnx"))] * 3
    for wrong, words in (
        ("runs", "runs holds no last.ckpt; name one of runs/mine, runs/other"),
        ("alone", "alone holds no last.ckpt"),
        ("mine", "there is neither a training nor a network called mine; did you mean runs/mine?"),
        ("udnie_tny", "a network called udnie_tny; did you mean udnie_tiny"),
        ("qqqq", "a network called qqqq; `fststyle models` lists the networks"),
        ("runs/min", "no checkpoint at runs/min; did you mean runs/mine?"),
        ("runs/ohter/last.ckpt", "no checkpoint at runs/ohter/last.ckpt; did you mean runs/other?"),
        ("elsewhere/x.ckpt", "no checkpoint at elsewhere/x.ckpt; name the folder of a training"),
    ):
        result = fststyle("export", wrong, "a.onnx")
        assert result.exit_code == 1
        assert words in result.stderr
    assert len(got) == 3
    result = fststyle("export", "udnie_tny.onnx", "--opset", "15")
    assert "udnie_tny.onnx does not exist; fststyle has a network called udnie_tiny" in result.stderr


def test_exporting_without_an_output_takes_the_styles_name_and_replaces_nothing(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, assets: dict[str, Any]
) -> None:
    got: list[Path] = []

    def export(_: Path, output: Path, *, licence: str | None = None) -> Any:
        got.append(output)
        return assets["CARD"]

    pretend(monkeypatch, "export", export_checkpoint=export)
    pretend_too = types.ModuleType("fststyle.training.checkpoint")
    vars(pretend_too)["read_checkpoint"] = lambda _: types.SimpleNamespace(name="../wave")
    monkeypatch.setitem(sys.modules, "fststyle.training.checkpoint", pretend_too)
    Path("last.ckpt").touch()
    assert fststyle("export", "last.ckpt").exit_code == 0
    assert got == [Path("wave.onnx")]
    Path("wave.onnx").touch()
    result = fststyle("export", "last.ckpt")
    assert result.exit_code == 1
    assert "wave.onnx is there already; say -o wave.onnx to replace it" in result.stderr
    assert len(got) == 1


@pytest.mark.parametrize("there", [True, False])
def test_exporting_a_network_leads_to_quantize(fststyle: Callable[..., Any], identity: Path, there: bool) -> None:
    if there:
        Path("x.onnx").write_bytes(identity.read_bytes())
    for arguments in (["x.onnx"], ["x.onnx", "y.onnx"]):
        result = fststyle("export", *arguments)
        assert result.exit_code == 1
        assert "x.onnx" in result.stderr
        assert "fststyle quantize" in result.stderr
        assert result.stderr.count("\n") == 1


def test_exporting_a_network_in_another_form(fststyle: Callable[..., Any]) -> None:
    result = fststyle("export", "udnie_tiny", "--size", "64x48", "--opset", "15")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("udnie_tiny_64x48_opset15.onnx: 64×48 pixels only, opset 15, differs by ")
    assert "64×48 pixels only" in fststyle("info", "udnie_tiny_64x48_opset15.onnx").stdout
    result = fststyle("export", "udnie_tiny", "--size", "64x48", "--opset", "15")
    assert "udnie_tiny_64x48_opset15.onnx is there already" in result.stderr
    for arguments, words in (
        (["udnie_tiny", "a.onnx", "--size", "64"], "--size takes WIDTHxHEIGHT"),
        (["udnie_tiny", "a.onnx", "--size", "8x8"], "takes pictures from 20×20 pixels"),
        (["udnie_tiny", "a.onnx", "--size", "64x64", "--license", "MIT"], "--license is for a training"),
        (["udnie_tiny", "a.png", "--size", "64x64"], "use a.onnx"),
        (["udnie_tinny", "a.onnx", "--size", "64x64"], "udnie_tinny"),
    ):
        result = fststyle("export", *arguments)
        assert result.exit_code == 1
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
        assert not Path("a.onnx").exists()


def test_exporting_a_training_in_another_form(
    fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, assets: dict[str, Any]
) -> None:
    def export(_: Path, output: Path, *, licence: str | None = None) -> Any:
        return write_model(output, assets["gain_model"](), assets["CARD"])

    pretend(monkeypatch, "export", export_checkpoint=export)
    Path("last.ckpt").touch()
    done = fststyle("export", "last.ckpt", "a.onnx", "--size", "64x48", "--opset", "9", "--io", "uint8")
    assert done.exit_code == 0, done.stderr
    found = read_model(Path("a.onnx"))
    assert (found.input_shape, found.opset, found.byte_pixels) == ((1, 3, 48, 64), 9, True)
    lines = [line.partition(": ")[2] for line in done.stdout.splitlines()]
    assert lines == [
        "fp32, pixels as uint8, inf dB",
        "64×48 pixels only, opset 9, differs by 0 at most",
        "identity, identity, 0 steps, content 0, style 1.5, judged by none",
        "fststyle stylize a.onnx photo.jpg",
    ]


def test_exporting_a_network_with_grain(fststyle: Callable[..., Any], identity: Path, assets: dict[str, Any]) -> None:
    def grain_of(name: str) -> float | None:
        card = read_model(Path(name)).card
        return None if card is None else card.grain

    done = fststyle("export", identity, "a.onnx", "--grain", 8, "--opset", 15)
    assert done.exit_code == 0, done.stderr
    assert "8 levels of grain by default, from identity.onnx" in done.stdout
    assert (grain_of("a.onnx"), read_model(Path("a.onnx")).opset) == (8, 15)
    write_picture(Path("gray.png"), np.full((60, 80, 3), 100, np.uint8))
    for words, least in (([], 7.5), (["--grain", 0], 0.0)):
        assert fststyle("stylize", "a.onnx", "gray.png", "-o", "b.png", *words).exit_code == 0
        assert least <= read_picture(Path("b.png")).rgb.astype(float).std() < least + 1
    assert fststyle("export", "a.onnx", "c.onnx", "--grain", 0).exit_code == 0
    assert grain_of("c.onnx") is None
    write_foreign_model(Path("bare.onnx"), assets["gain_model"]())
    refused = fststyle("export", "bare.onnx", "d.onnx", "--grain", 8)
    assert refused.exit_code == 1
    assert "has no card to write the grain into; give it to every `stylize`: --grain" in refused.stderr
    assert not Path("d.onnx").exists()


def test_an_output_is_named_once(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    write_picture(Path("photos/a.png"), photo)
    for command in (["quantize", identity], ["video", identity, "a.mp4"]):
        assert "-o " in fststyle(*command).stderr
        result = fststyle(*command, "a.onnx", "-o", "b.onnx")
        assert result.exit_code == 2
        assert "leave one out" in " ".join(result.stderr.split())
    options = ("--precision", "fp32", "--photos", "photos")
    assert fststyle("quantize", identity, "-o", "a.onnx", *options).exit_code == 0
    assert fststyle("quantize", identity, "b.onnx", *options).exit_code == 0
    assert Path("a.onnx").read_bytes() == Path("b.onnx").read_bytes()


def test_a_last_word_that_looks_like_the_output(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    write_picture(Path("photo.png"), photo)
    for last in ("painted.png", "painted"):
        result = fststyle("stylize", identity, "photo.png", last)
        assert result.exit_code == 1
        assert f"{last} does not exist" in result.stderr
        assert f"-o {last}" in result.stderr
    assert Path("photo_identity.png").is_file()
    assert "-o painted.png" not in fststyle("stylize", identity, "photo.png", "painted.png", "-o", "out").stderr


def test_a_picture_without_a_network_leads_to_one(fststyle: Callable[..., Any]) -> None:
    result = fststyle("stylize", "my photo.jpg")
    assert result.exit_code == 2
    assert "name a network before it" in result.stderr


def test_a_blend_and_a_network_besides(fststyle: Callable[..., Any], identity: Path, photo: Pixels) -> None:
    write_picture(Path("photo.png"), photo)
    for network in (identity, "gone.onnx", "starry_night"):
        result = fststyle("stylize", "--blend", f"{identity}:1,{identity}:2", network, "photo.png")
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert f"--blend names the networks already; leave {network} out" in result.stderr
    assert not list(Path().glob("*_*.png"))


def test_a_full_memory_is_one_line(fststyle: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise MemoryError

    monkeypatch.setattr("fststyle.model.file.read_model", refuse)
    result = fststyle("info", "a.onnx")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("error: there is not enough memory; ")
