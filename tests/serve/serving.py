"""A server in a thread, and jobs that take milliseconds."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fststyle.serve.app import Application
from fststyle.serve.server import Server
from fststyle.serve.settings import Settings, listen


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, Application]]:
    """Its address, and the application."""
    application = Application(settings)
    listener = listen("127.0.0.1", 0)
    running = Server(application, settings.limits)
    thread = threading.Thread(target=running.run_at, args=(listener,))
    thread.start()
    try:
        until(lambda: running.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", application
    finally:
        application.jobs.news.close()
        running.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


def run_fake_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run a program that only waits, and reports as `fststyle train --json` does."""
    if os.name == "nt":
        pytest.skip("Windows ends a process without asking it")
    command = (sys.executable, str(Path(__file__).with_name("fake_command.py")))
    monkeypatch.setattr("fststyle.serve.process.COMMAND", command)
    monkeypatch.setattr("fststyle.serve.work._LOOK", 0.05)
    monkeypatch.setattr("fststyle.serve.job_api.can", lambda _: True)


def until(happens: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)
