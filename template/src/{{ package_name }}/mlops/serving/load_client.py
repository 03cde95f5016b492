"""The clients of a load test: locust, in a process of its own, as it changes the standard library.

`python -m <package>.mlops.serving.load_client` reads from standard input what to ask, and writes to
standard output what it measured.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import random
from time import perf_counter
from typing import Any, ClassVar

from geventhttpclient import HTTPClient
from locust import User
from locust.env import Environment

from .load_target import summary

WARM_UP = 0.5
"""Seconds at the beginning in which all connect, which are not measured."""

TIMEOUT = 30.0

HEADERS = {"Content-Type": "application/json"}


class Client(User):
    """Asks for one prediction after the other, at its times or as fast as it is answered."""

    bodies: ClassVar[list[str]] = []
    interval: ClassVar[float] = 0.0
    answers: ClassVar[list[tuple[float, float]]] = []
    failures: ClassVar[list[str]] = []
    n_clients: ClassVar[int] = 0

    def __init__(self, environment: Any) -> None:
        """Take a place of its own between the other clients."""
        super().__init__(environment)
        # Locust's own client takes more CPU time than a prediction.
        self.http = HTTPClient.from_url(
            self.host, concurrency=1, connection_timeout=TIMEOUT, network_timeout=TIMEOUT
        )
        self.number = Client.n_clients
        Client.n_clients += 1
        # Not all at once.
        self.due = perf_counter() + self.interval * random()  # noqa: S311 - no secret

    def ask(self) -> None:
        """Ask once; measured from when it was due, so that a service that stalls looks slow."""
        if self.interval:
            # By its module, in which locust has replaced it: others ask meanwhile.
            time.sleep(max(0.0, self.due - perf_counter()))
        else:
            self.due = perf_counter()
        # Each time another row, so that nothing is remembered for it.
        body = self.bodies[self.number % len(self.bodies)]
        self.number += 1
        try:
            answer = self.http.post("/predict", body, HEADERS)
            # To its end, or the connection could not be used again.
            answer.read()
            status = str(answer.status_code)
        except Exception as error:
            # Whatever the client raises: there is no answer.
            status = type(error).__name__
        now = perf_counter()
        if status == "200":
            self.answers.append((now, now - self.due))
        else:
            self.failures.append(status)
        self.due += self.interval

    tasks = [ask]  # noqa: RUF012 - as locust wants it


def main() -> None:
    """Ask as standard input says, and print what came of it."""
    order = json.load(sys.stdin)
    Client.bodies = order["bodies"]
    if order["rate"]:
        Client.interval = order["clients"] / order["rate"]
    runner = Environment(user_classes=[Client], host=order["url"]).create_local_runner()
    began = perf_counter()
    runner.start(order["clients"], spawn_rate=order["clients"])
    end = Path(order["end"])
    while perf_counter() < began + WARM_UP + order["seconds"] and not end.exists():
        time.sleep(0.05)
    ended = perf_counter()
    runner.quit()
    # For whoever looks why; the summary has their number.
    statuses = Counter(Client.failures)
    if statuses:
        print(f"failed: {dict(statuses)}", file=sys.stderr)
    print(json.dumps(summary(Client.answers, Client.failures, began + WARM_UP, ended)))


if __name__ == "__main__":
    main()
