"""Run the sections of a check of a GPU, each in a process of its own with a limit, and write what they find.

A section that crashes, hangs or fills the card's memory costs itself alone. Started by scripts/check_gpu.
"""

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gpu_report import CUT, DONE, FAILED, Report, Section

from fststyle.system.files import reason_of

HERE = Path(__file__).resolve().parent

# Seconds that a section may take, and what it adds to the exit status if it fails or is cut short.
SECTIONS = {
    "machine": (40, 4),
    "tests": (170, 8),
    "speed": (75, 16),
    "styles": (165, 32),
    "curve": (60, 64),
    "paper": (3600, 2),
}
CANNOT_START = 1

# Takes as long as all of the others and more, so it runs when it is named.
_ON_REQUEST = {"paper"}

# Between asking a section to end and ending it.
_GRACE = 5.0


def main() -> int:
    """The exit status: the sum of what failed, see `SECTIONS`; 1 if nothing could be run; 128 + n after a signal."""
    asked = _arguments()
    if asked.device == "cuda" and (reason := _no_gpu()):
        return _refuse(reason)
    names = [name for name in SECTIONS if name in asked.sections]
    json_file = asked.json or asked.output / "check_gpu.json"
    page = asked.page or asked.output / "check_gpu.md"
    report = Report(json_file, page, asked.device, {name: Section() for name in names}, tuple(SECTIONS))
    try:
        if asked.resume:
            report.take_over()
        for path in (json_file, page):
            path.parent.mkdir(parents=True, exist_ok=True)
        report.write()
    except (TypeError, ValueError) as error:
        return _refuse(f"{json_file} holds no results to go on with ({error}); leave out --resume, or give another -o")
    except OSError as error:
        return _refuse(f"cannot write the results to {json_file.parent} ({reason_of(error)}); give another -o FOLDER")
    signal.signal(signal.SIGTERM, _leave)
    status, ends = 0, time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="fststyle-gpu-") as scratch:
        for name in (each for each in names if report.sections[each].state != DONE):
            limit, bit = SECTIONS[name]
            left = min(limit * asked.patience, ends - time.monotonic())
            print(f"{name} …", flush=True)
            section = report.sections[name]
            try:
                _run(name, asked, left, Path(scratch), report)
            except (KeyboardInterrupt, SystemExit) as left_by:
                section.state, section.error = CUT, ""
                _keep(report)
                return int(str(left_by.code)) if isinstance(left_by, SystemExit) else 128 + signal.SIGINT
            status += bit if section.state != DONE else 0
            print(f"{name}: {section.state}, {section.seconds:.0f} s", flush=True)
            if section.error:
                print(section.error, flush=True)
    print(f"{json_file}\n{page}")
    return status


def _arguments() -> argparse.Namespace:
    usual = [name for name in SECTIONS if name not in _ON_REQUEST]
    parser = argparse.ArgumentParser(prog="check_gpu", description="Prove fststyle on a GPU in one call.")
    parser.add_argument("-o", "--output", type=Path, default=Path("check_gpu"), help="folder for both results")
    parser.add_argument("--json", type=Path, help="the results; FOLDER/check_gpu.json if not given")
    parser.add_argument("--page", type=Path, help="a Markdown page of them; FOLDER/check_gpu.md if not given")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu tries the script itself")
    parser.add_argument("--minutes", type=float, default=8.0, help="for everything")
    parser.add_argument("--patience", type=float, default=1.0, help="factor of each section's limit")
    parser.add_argument("--style-seconds", type=float, default=60.0, help="that a style is trained")
    parser.add_argument("--resume", action="store_true", help="keep the sections that an earlier call has done")
    parser.add_argument("--sections", default=",".join(usual), help="some of %(default)s, paper")
    asked = parser.parse_args()
    asked.sections = asked.sections.split(",")
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"no such sections: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return asked


def _no_gpu() -> str:
    """Why nothing can be run on a GPU here, or nothing; asked in another process, which need not keep torch."""
    if importlib.util.find_spec("torch") is None:
        return f"{sys.executable} has no torch; name the Python that has it as PYTHON"
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    return "torch finds no CUDA device; to try the script itself, give --device cpu" if found.returncode else ""


def _refuse(reason: str) -> int:
    print(f"check_gpu: {reason}", file=sys.stderr)
    return CANNOT_START


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _run(name: str, asked: argparse.Namespace, seconds: float, scratch: Path, report: Report) -> None:
    """Run a section; what it has found is in the report at once, and stays there however it ends."""
    section, part = report.sections[name], scratch / f"{name}.json"
    if seconds < 1:
        section.error = "no time was left"
        _keep(report)
        return
    command = [sys.executable, str(HERE / "gpu_section.py"), name, str(part), asked.device, f"{seconds:.0f}"]
    command += [f"{asked.style_seconds:g}", str(os.getpid())]
    section.state, began, seen = CUT, time.monotonic(), 0
    with (scratch / f"{name}.log").open("w+b") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=HERE.parents[1])
        try:
            while child.poll() is None and time.monotonic() - began < seconds:
                time.sleep(0.2)
                seen = _take(part, section, report, seen, began)
        finally:
            _end(child)
            section.seconds = time.monotonic() - began
            _take(part, section, report, -1, began)
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            if child.returncode == 0:
                section.state = DONE
            elif child.returncode > 0:
                section.state = FAILED
            elif time.monotonic() - began < seconds:
                section.state = FAILED
                section.error = f"ended by signal {-child.returncode}"
            if child.returncode != 0:
                section.error = "\n".join([*filter(None, [section.error]), *said[-12:]])
            _keep(report)


def _take(part: Path, section: Section, report: Report, seen: int, began: float) -> int:
    """Take over what a section has written since; returns which of its writings that was."""
    try:
        now = part.stat().st_mtime_ns
        if now != seen:
            section.found = json.loads(part.read_bytes())
            section.seconds = time.monotonic() - began
            _keep(report)
    except (OSError, ValueError):  # nothing yet
        return seen
    return now


def _keep(report: Report) -> None:
    """Write what there is; a full disk ends no section."""
    try:
        report.write()
    except OSError as error:
        print(f"check_gpu: cannot write the results ({reason_of(error)})", file=sys.stderr)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End a section and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            break
        os.killpg(child.pid, number)
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(main())
