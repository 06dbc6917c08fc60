"""What a training changes in the program that runs it, and gives back: it may be a notebook, a server or a test."""

import logging
import re
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fststyle.errors import FststyleError
from fststyle.training.fit.trainer import LOGGERS, quiet_lightning

# Those that Lightning and we listen to.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name))

# An option of the command in a message, and what of it stands in front of its own name.
_OPTION = re.compile(r"(?<![^\s(])--((?:[a-z]+\.)*)([a-z][a-z_-]*)")

# Options of the command that have another name, or a value, in Python.
_IN_PYTHON = {"resume": "resume=True", "force": "force=True", "output": "out", "max_steps": "steps"}


@contextmanager
def kept_host() -> Iterator[None]:
    """Around a training: signals, warnings, log levels, random numbers and torch's switches are the host's afterwards.

    Raises:
        KeyboardInterrupt: At a second Ctrl-C, of which Lightning would make the end of the program.
    """
    in_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS} if in_main else {}
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    hook = threading.excepthook
    matmul, benchmark = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            quiet_lightning()
            torch.default_generator.manual_seed(0)  # the networks' first weights, as in the command
            yield
    except SystemExit as left:
        if isinstance(left.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from left
        raise
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # one that was not set from Python
                signal.signal(number, handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        threading.excepthook = hook
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.benchmark = benchmark


def _in_python(option: str) -> str:
    return _IN_PYTHON.get(option, option.replace("-", "_"))


@contextmanager
def python_words() -> Iterator[None]:
    """Errors name the arguments of `train` where the command's would name its options."""
    try:
        yield
    except FststyleError as error:
        said = _OPTION.sub(lambda found: _in_python(found[2]), str(error))
        if said == str(error):
            raise
        raise type(error)(said) from error
