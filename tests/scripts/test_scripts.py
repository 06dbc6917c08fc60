import itertools
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fststyle.pictures.files import read_picture, write_picture

ROOT = Path(__file__).resolve().parents[1].parent
SCRIPTS = ROOT / "scripts"
COMMANDS = [SCRIPTS / name for name in ("test", "check", "quickstart", "faults")]
# Anchored to what may stand before a path, so that "/networks/" and the like do not count.
HOME = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/")
BASH = shutil.which("bash")

needs_bash = pytest.mark.skipif(BASH is None, reason="no bash here")


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, **options)


@needs_bash
@pytest.mark.parametrize("script", [*COMMANDS, SCRIPTS / "setup.sh"], ids=lambda path: path.name)
def test_bash_can_parse(script):
    done = run(BASH, "-n", script)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="no executable bits here")
@pytest.mark.parametrize("script", [*COMMANDS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_command_is_executable(script):
    if not script.exists():
        pytest.skip("an sdist leaves it out")
    assert os.access(script, os.X_OK)


@needs_bash
def test_quickstart_help_names_the_sample_styles(tmp_path):
    done = run(SCRIPTS / "quickstart", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "glass swirls woodcut" in done.stdout


@needs_bash
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speed", "9"], "quickstart: --speed is not known; see --help"),
        (["--style"], "quickstart: --style needs a value, or is not known; see --help"),
        (["--style", "cubism"], "quickstart: cubism is neither a picture nor a sample style (glass swirls woodcut)"),
        (["--photos", "nowhere"], "quickstart: there is no folder {cwd}/nowhere"),
        (["--weights", "none.pth"], "quickstart: there is no file {cwd}/none.pth"),
    ],
)
def test_quickstart_refuses_in_one_line_before_it_installs(arguments, message, tmp_path):
    done = run(
        SCRIPTS / "quickstart", *arguments, cwd=tmp_path, env={**os.environ, "FSTSTYLE_VENV": str(tmp_path / "v")}
    )
    assert (done.returncode, done.stderr) == (1, message.format(cwd=tmp_path) + "\n")
    assert not (tmp_path / "v").exists()


@needs_bash
def test_quickstart_keeps_another_training(tmp_path):
    (tmp_path / "last.ckpt").touch()
    (tmp_path / "asked.txt").write_text("style of yesterday\n")
    done = run(SCRIPTS / "quickstart", "--out", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"quickstart: {tmp_path} holds another training (style of yesterday): choose")


@pytest.fixture
def stub_venv(tmp_path):
    """A virtual environment that passes for installed; its fststyle notes its arguments and writes what it should."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / ".installed-train").write_text(f"{ROOT}\n" + (ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    stub = venv / "bin" / "fststyle"
    stub.write_text(
        "#!/usr/bin/env bash\n"
        f'echo "$*" >>"{tmp_path}/calls"\n'
        'case "$1" in export) touch "$3" ;; train) touch "${TRAINED:-/dev/null}"; exit "${TRAIN_EXIT:-0}" ;; esac\n'
    )
    stub.chmod(0o755)
    return venv


@needs_bash
def test_quickstart_trains_once_resumes_and_then_only_stylizes(tmp_path, stub_venv):
    out = tmp_path / "a run"

    def quickstart(**environment):
        (tmp_path / "calls").unlink(missing_ok=True)
        environment = {**os.environ, "FSTSTYLE_VENV": str(stub_venv), "TRAINED": str(out / "last.ckpt"), **environment}
        command = (SCRIPTS / "quickstart", "--style", "glass", "--minutes", "3", "--out", "a run")
        done = run(*command, cwd=tmp_path, env=environment)
        return done, (tmp_path / "calls").read_text().splitlines()

    photos, style = ROOT / "fststyle/samples/photos", ROOT / "fststyle/samples/styles/glass.jpg"
    train = f"train {style} {photos} --config {ROOT}/configs/quickstart.yaml --name glass --minutes 3 -o {out}"
    after = [f"export {out}/last.ckpt {out}/glass.onnx", f"stylize {out}/glass.onnx {photos} -o {out}/stylized/"]

    done, calls = quickstart(TRAIN_EXIT="130")
    assert (done.returncode, calls) == (1, [train])
    assert done.stderr == "quickstart: the training stopped early; the same command goes on from the last checkpoint\n"

    done, calls = quickstart()
    assert (done.returncode, calls) == (0, [f"{train} --resume", *after])
    assert f"the pictures are in {out}/stylized" in done.stdout

    done, calls = quickstart()
    assert (done.returncode, calls) == (0, after[1:])


@needs_bash
def test_without_python_the_tests_say_so_in_one_line(tmp_path):
    for tool in ("basename", "bash", "cat", "cmp", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    environment = {"PATH": str(tmp_path), "FSTSTYLE_VENV": str(tmp_path / "v")}
    done = run(BASH, SCRIPTS / "test", env=environment)
    assert (done.returncode, done.stderr) == (1, "test: no Python 3.11 or newer found: install one, then try again\n")


@pytest.mark.parametrize(
    "program",
    [
        "scripts/recipes/make_sample_photos.py",
        "scripts/recipes/make_sample_styles.py",
        "docs/make/make_optimize_picture.py",
    ],
)
def test_program_explains_itself(program, monkeypatch, capsys):
    if program.startswith("docs/make"):
        pytest.importorskip("torch")
    monkeypatch.setattr(sys, "argv", [program, "--help"])
    monkeypatch.syspath_prepend((ROOT / program).parent)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / program), run_name="__main__")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage:")


def test_missing_wheel_is_named_in_one_line(tmp_path):
    done = run(sys.executable, "-B", SCRIPTS / "recipes" / "make_sample_photos.py", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"no wheel of scikit-image in {tmp_path}: ")
    assert done.stderr.count("\n") == 1


def test_pictures_to_judge_by_come_out_of_wheels_as_they_are(tmp_path, photo):
    script = runpy.run_path(str(SCRIPTS / "recipes" / "make_sample_photos.py"))
    dozens = {name: script[name.upper()] for name in ("second", "third")}
    members = {}
    for package, member in itertools.chain.from_iterable(dozen.values() for dozen in dozens.values()):
        members.setdefault(package.replace("-", "_").replace("==", "-"), []).append(member)
    write_picture(tmp_path / "photo.png", photo)
    (tmp_path / "scikit_image-9.9-py3-none-any.whl").write_bytes(b"of another dozen")
    for package, inside in members.items():
        with zipfile.ZipFile(tmp_path / f"{package}-py3-none-any.whl", "w") as wheel:
            for member in inside:
                wheel.write(tmp_path / "photo.png", member)
    folders = [word for name in dozens for word in (f"--{name}", tmp_path / name)]
    done = run(sys.executable, "-B", SCRIPTS / "recipes" / "make_sample_photos.py", tmp_path, *folders)
    assert done.returncode == 0, done.stderr
    for name, dozen in dozens.items():
        written = sorted((tmp_path / name).iterdir())
        assert [path.stem for path in written] == sorted(dozen)
        assert all(np.array_equal(read_picture(path).rgb, photo) for path in written)


def test_no_file_names_a_folder_of_ours():
    folders = [ROOT / name for name in ("fststyle", "scripts", "configs", "tests", "docs", "examples")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    found = []
    for path in [*files, ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]:
        if path.suffix in {".jpg", ".png", ".webp", ".onnx", ".pyc", ".pth", ".safetensors"} or path == Path(__file__):
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {line.strip()}" for line in text.splitlines() if HOME.search(line)]
    assert found == []
