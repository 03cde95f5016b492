"""One server at a time: started, asked, measured, ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from benchmarks.serving.peers import Peer, Probabilities, Rows

START_SECONDS = 90
TOLERANCE = 1e-9
QUIET = 0.05
"""Share of the processors that others may take in a measurement that counts."""
PATIENCE = 30
"""Seconds in which the machine may become quiet, before each try."""
HOST = "127.0.0.1"

ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS")
}
"""The threads of one prediction; the same for all."""


class ServerError(Exception):
    """A server does not start, or answers what it should not."""


@dataclass(frozen=True)
class Load:
    """What `wrk` saw: requests a second, milliseconds, and answers other than 2xx.

    Attributes:
        cpu: Milliseconds of processors that an answer took the server, on a busy machine too.
        others: Processors' share of the time that went to other processes of the machine.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    failed: int
    cpu: float
    others: float


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    peer: Peer
    process: psutil.Popen
    port: int
    seconds_to_start: float

    def post(self, rows: Rows, path: str = "") -> Probabilities:
        """Ask once, over a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            answer = send(connection, path or self.peer.one, json.dumps(self.peer.ask(rows)))
        finally:
            connection.close()
        return self.peer.read(json.loads(answer))

    def memory(self) -> float:
        """Megabytes of all its processes; what they share counts once."""
        found = [self.process, *self.process.children(recursive=True)]
        shares = [process.memory_full_info().pss for process in found]
        return float(sum(shares)) / 1e6

    def cpu_seconds(self) -> float:
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))


def send(connection: http.client.HTTPConnection, path: str, body: str) -> bytes:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise ServerError(f"{path} answers {response.status}: {answer[:200]!r}")
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(peer: Peer, programs: Path, folder: Path, row: Rows, log: Path) -> Iterator[Server]:
    """Start a server in a session of its own, wait until it answers, and end it afterward."""
    port = free_port()
    own = peer.environment(folder / "model", port)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    env = {**os.environ, **ONE_THREAD, "PATH": path, "BENCH_MODEL": str(folder / "model"), **own}
    env.pop("VIRTUAL_ENV", None)
    with log.open("w") as output:
        begin = time.perf_counter()
        process = psutil.Popen(
            peer.command(programs, port),
            cwd=folder / "project",
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield wait_for(Server(peer, process, port, 0.0), begin, row, log)
        finally:
            end(process)


def wait_for(server: Server, begin: float, row: Rows, log: Path) -> Server:
    """Ask until there is an answer."""
    last = ""
    while time.perf_counter() - begin < START_SECONDS:
        if server.process.poll() is not None:
            raise ServerError(f"it ended: {log.read_text()[-600:]}")
        try:
            server.post(row)
        except (OSError, http.client.HTTPException, ServerError) as error:
            last = str(error)
            time.sleep(0.02)
        else:
            seconds = time.perf_counter() - begin
            return Server(server.peer, server.process, server.port, seconds)
    raise ServerError(f"no answer in {START_SECONDS} s: {last}; {log.read_text()[-600:]}")


def end(process: psutil.Popen) -> None:
    """End the server and whatever it started."""
    group = process.pid
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    time.sleep(0.5)


def check(server: Server, rows: Rows, expected: Probabilities) -> float:
    """The largest difference to the offline pipeline: single rows at once, and all as a table."""
    with ThreadPoolExecutor(16) as pool:
        one_by_one = [found[0] for found in pool.map(lambda row: server.post([row]), rows)]
    together = server.post(rows, server.peer.many)
    worst = 0.0
    for found in (one_by_one, together):
        if len(found) != len(expected):
            raise ServerError(f"{len(found)} answers for {len(expected)} rows")
        for mine, theirs in zip(found, expected, strict=True):
            differences = [abs(a - b) for a, b in zip(mine, theirs, strict=True)]
            worst = float(np.max([worst, *differences]))
    # Not `worst > TOLERANCE`, which NaN would pass.
    if not worst <= TOLERANCE:
        raise ServerError(f"its probabilities differ from the pipeline's by {worst}")
    return worst


def load(server: Server, bodies: Path, connections: int, seconds: int) -> Load:
    """Let `wrk` ask single rows from one process of its own."""
    url = f"http://{HOST}:{server.port}{server.peer.one}"
    script = Path(__file__).with_name("rows.lua")
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    before = busy_seconds(), server.cpu_seconds(), os.times()
    done = subprocess.run(
        ["wrk", *options, url],
        env={**os.environ, "BODIES": str(bodies)},
        capture_output=True,
        text=True,
        check=True,
    )
    after = busy_seconds(), server.cpu_seconds(), os.times()
    of_wrk = after[2].children_user - before[2].children_user
    of_wrk += after[2].children_system - before[2].children_system
    of_server = after[1] - before[1]
    others = after[0] - before[0] - of_server - of_wrk
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Load(
        **figures,
        cpu=1_000 * of_server / (figures["rate"] * seconds),
        others=max(0.0, others / seconds / (psutil.cpu_count() or 1)),
    )


def quiet_load(server: Server, bodies: Path, connections: int, seconds: int, n_tries: int) -> Load:
    """Measure until the machine was quiet, at most `n_tries` times; return the quietest."""
    tries: list[Load] = []
    while len(tries) < n_tries and not any(one.others < QUIET for one in tries):
        if n_tries > 1:
            wait_for_quiet()
        tries.append(load(server, bodies, connections, seconds))
    return min(tries, key=lambda one: one.others)


def wait_for_quiet() -> None:
    """Wait until the machine has nothing else to do, at most PATIENCE seconds."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < PATIENCE:
        if psutil.cpu_percent(interval=1) < 100 * QUIET:
            return


def busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - getattr(times, "guest", 0.0))
