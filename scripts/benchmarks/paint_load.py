"""What clients of `load_server.py` do: they paint one photo again and again. A locustfile."""

import os
from pathlib import Path
from typing import Any

import gevent
from locust import HttpUser, events, task
from locust.env import Environment

PHOTO = Path(os.environ["LOAD_PHOTO"]).read_bytes()
REQUESTS = int(os.environ["LOAD_REQUESTS"])
QUERY = os.environ["LOAD_QUERY"]


class Client(HttpUser):
    """One of those who paint at the same time."""

    @task
    def paint(self) -> None:
        """One painting; what is none counts as an error."""
        with self.client.post(f"/api/paint?{QUERY}", files={"picture": PHOTO}, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
            elif not answer.content.startswith(b"\xff\xd8"):
                answer.failure("not a JPEG")


@events.init.add_listener
def count(environment: Environment, **_: Any) -> None:
    """End after so many answers."""
    done = 0

    def one_more(**_: Any) -> None:
        nonlocal done
        done += 1
        if done == REQUESTS and environment.runner is not None:
            gevent.spawn(environment.runner.quit)  # it ends the client that this runs in, too

    environment.events.request.add_listener(one_more)
