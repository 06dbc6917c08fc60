"""Runs an `fststyle` command that ends with the process that started it: a server killed with -9 leaves nothing behind.

    python -m fststyle.serve.tied FOLDER train painting.png --output run

Standard input is a pipe whose other end nobody but the starter holds; when it closes, the command gets a SIGTERM and
ends as after Ctrl-C, with a checkpoint. What starts in FOLDER afterwards waits until it has.
"""

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

from fststyle.serve.lock import held

_PATIENCE = 60.0  # seconds
_NICE = 5


def main() -> None:
    """Run the command and leave the process."""
    folder, *arguments = sys.argv[1:]
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # neither the command nor its own processes may read from the pipe
    os.close(nothing)
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICE)  # what people wait for is painted first
    with held(Path(folder)):
        sys.argv = ["fststyle", *arguments]
        runpy.run_module("fststyle", run_name="__main__", alter_sys=True)


def _end_with(pipe: int) -> None:
    while os.read(pipe, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main()
