"""Serves 100,000 requests and prints the memory of the service's processes on the way.

Usage: python tests/benchmarks/serving_memory.py [--requests 100000] [--project FOLDER]. Without a
project one is made from the default answers. Sound rows, broken ones and what is no JSON alternate,
each request with an id and a wrong name of its own: nothing that a client makes up may be kept.
It fails if a process grows by more than a tenth in the second half: in the first one the log merges
its files for the first time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from e2e.copier_runs import copy, succeed
from e2e.promotions import build, say_verified, settle
from support import commit, copy_template

N_CLIENTS = 32
STAGES = (0.01, 0.1, 0.25, 0.5, 0.75, 1)
"""Shares of the requests after which memory is looked at."""

GROWTH = 1.1

JSON = {"Content-Type": "application/json"}


def make_project(folder: Path) -> Path:
    """Make a project that has a champion."""
    made = copy(copy_template(folder / "template"), folder / "project")
    if made.status:
        sys.exit(made.output)
    settle(made.path, tuning={"trials": 0})
    build(made.path)
    say_verified(made.path)
    succeed(made.path, "make", "promote", "WHY=a benchmark")
    commit(made.path, "Promote")
    return made.path


def memory(process: psutil.Process) -> dict[str, float]:
    """Resident megabytes by the module that a process runs."""
    found = {"front": process.memory_info().rss / 2**20}
    for child in process.children():
        name = next(word for word in child.cmdline() if ".mlops.serving." in word)
        found[name.rpartition(".")[2]] = child.memory_info().rss / 2**20
    return found


def body(rows: list[dict[str, object]], number: int) -> str:
    """The next request: one in ten is broken, each in a way of its own."""
    row = rows[number % len(rows)]
    if number % 20 == 7:
        return json.dumps(row | {f"unknown_{number}": number})
    if number % 20 == 17:
        return json.dumps(row)[: number % 200]
    return json.dumps(row)


def ask(port: int, rows: list[dict[str, object]], numbers: range, statuses: set[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in numbers:
        headers = JSON | {"X-Request-ID": f"request-{number}"}
        connection.request("POST", "/predict", body(rows, number), headers)
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
    connection.close()


def measure(project: Path, n_requests: int) -> int:
    """Print a line for each stage; return the exit status."""
    golden = json.loads((project / "models" / "golden.json").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "churn_radar.mlops.serving.commands", "--port", "0"]
    env = os.environ | {"PYTHONPATH": str(project / "src")}
    process = psutil.Popen(command, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline().partition("/predict")[0].rpartition(":")[2])
        while not is_ready(port):
            threading.Event().wait(0.2)
        statuses: set[int] = set()
        found: dict[int, dict[str, float]] = {}
        done = 0
        for stage in [int(share * n_requests) for share in STAGES]:
            numbers = [range(done + first, stage, N_CLIENTS) for first in range(N_CLIENTS)]
            clients = [
                threading.Thread(target=ask, args=(port, golden["rows"], part, statuses))
                for part in numbers
            ]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            done = stage
            found[done] = memory(process)
            megabytes = ", ".join(f"{name} {value:.1f} MB" for name, value in found[done].items())
            print(f"{done:>9,} requests: {megabytes}", flush=True)
    finally:
        process.terminate()
        process.wait()
    print(f"statuses: {sorted(statuses)}")
    early, late = found[n_requests // 2], found[n_requests]
    grown = [name for name, value in late.items() if value > GROWTH * early[name]]
    if grown or statuses != {200, 400, 422}:
        print(f"memory grew: {grown}")
        return 1
    return 0


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/ready")
    return connection.getresponse().status == 200


def main() -> int:
    """Measure the project that is named, or a new one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--project", type=Path)
    chosen = parser.parse_args()
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "bench@example.org" for part in ("NAME", "EMAIL")}
    with tempfile.TemporaryDirectory() as scratch:
        project = chosen.project or make_project(Path(scratch))
        return measure(project.resolve(), chosen.requests)


if __name__ == "__main__":
    sys.exit(main())
