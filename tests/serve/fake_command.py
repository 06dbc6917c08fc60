"""Stands in for `python -m fststyle.serve.tied FOLDER train|export|video …`, in milliseconds instead of minutes.

A title says what happens: "quick" is done at once, "broken" fails, anything else runs until it is told to end.
"""

import json
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

folder, command = Path(sys.argv[1]), sys.argv[2]
title = json.loads((folder / "job.json").read_text("utf-8"))["title"]


def tell(event: str, **facts: Any) -> None:
    sys.stderr.write(json.dumps({"event": event, **facts}) + "\n")


def ended(*_: object) -> None:
    (folder / "run" / "last.ckpt").write_text("a checkpoint")
    tell("interrupted", step=5)
    sys.exit(143)


if command == "export":
    shutil.copy(Path(__file__).parents[1] / "assets" / "identity.onnx", sys.argv[4])
    sys.exit(0)
(folder / "run" / "samples").mkdir(parents=True, exist_ok=True)
signal.signal(signal.SIGTERM, ended)
tell("begin", step=5 if "--resume" in sys.argv else 0, steps=10)
tell("progress", step=5, share=0.5, speed=2.0, seconds_left=2.5, costs={"total": 1.5})
(folder / "run" / "samples" / "step_000005.jpg").write_bytes(b"a sheet")
tell("sample", step=5)
if title == "broken":
    sys.stderr.write("error: the disk is full; make room\n")
    sys.exit(1)
while title != "quick":
    time.sleep(0.02)
tell("done", step=10, costs={"total": 1.0})
