"""What a load test asks: a service of its own, on a free port, with a copy of the champion.

So nobody's requests, traffic, champion or prediction log are touched.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from ..errors import ProjectError

PACKAGE = __name__.partition(".mlops.")[0]

SOURCE = Path(__file__).parents[3]
"""The folder in which Python finds the package, wherever a process is started."""

N_CLIENTS = 32
"""So many requests at once: enough to keep all cores busy, few enough for a small machine."""

START_SECONDS = 60
"""In which the service must be ready."""

NOT_PASSED_ON = ("SERVING_API_KEY", "MLFLOW_TRACKING_URI", "PREDICTION_LOG_URL")
"""Environment variables that would connect this service with the real one's surroundings."""

Step = dict[str, Any]


@dataclass
class Target:
    """The service that is asked.

    Attributes:
        root: The folder from which it serves.
        url: Its address.
        process: Its first process.
        bodies: Requests, each of one row.
    """

    root: Path
    url: str
    process: "subprocess.Popen[str]"
    bodies: list[str]

    def clients(self, rate: float, seconds: float) -> "subprocess.Popen[str]":
        """Start clients that ask at a rate a second; at 0 as fast as they are answered."""
        self.end.unlink(missing_ok=True)
        order = {"url": self.url, "bodies": self.bodies, "clients": N_CLIENTS, "end": str(self.end)}
        command = [sys.executable, "-m", f"{PACKAGE}.mlops.serving.load_client"]
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        clients = subprocess.Popen(command, text=True, cwd=SOURCE, **pipes)
        assert clients.stdin is not None  # noqa: S101 - it is a pipe
        clients.stdin.write(json.dumps(order | {"rate": rate, "seconds": seconds}))
        clients.stdin.close()
        # Else `communicate` would want to write more.
        clients.stdin = None
        return clients

    @property
    def end(self) -> Path:
        """A file that ends the clients before their time, once it is there."""
        return self.root / "end"

    def step(self, rate: float, seconds: float) -> Step:
        """Ask at a rate, and return what was measured."""
        return measured(self.clients(rate, seconds))

    def usage(self) -> tuple[float, float]:
        """CPU seconds until now and resident MB, of all processes of the service."""
        # Imported here: no other command of this room needs it.
        import psutil

        first = psutil.Process(self.process.pid)
        seconds = memory = 0.0
        for process in [first, *first.children(recursive=True)]:
            times = process.cpu_times()
            seconds += times.user + times.system
            memory += process.memory_info().rss / 2**20
        return seconds, memory

    def version(self) -> int:
        """The number of the version that answers."""
        with urlopen(f"{self.url}/model", timeout=10) as answer:  # noqa: S310 - its own address
            return int(json.load(answer)["champion"]["version"])


@contextmanager
def serving(root: Path, folder: Path) -> Iterator[Target]:
    """Serve a copy of the champion until the block ends.

    Args:
        root: The project.
        folder: An empty folder, from which it is served.

    Yields:
        The service, which is ready.

    Raises:
        ProjectError: There is no champion, or the service does not start.
    """
    bodies = copy_champion(root, folder)
    environment = {name: os.environ[name] for name in os.environ if name not in NOT_PASSED_ON}
    log = folder / "serve.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{PACKAGE}.mlops.serving.commands", "--port", "0"],
            cwd=folder,
            # What it unpacks goes away with the folder.
            env=environment | {"TMPDIR": str(folder), "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        # Port 0 is any that is free: the service says which.
        url = process.stdout.readline().partition("/predict")[0]
        end = monotonic() + START_SECONDS
        while not (url and _is_ready(url)):
            if monotonic() > end or process.poll() is not None or not url:
                said = log.read_text(encoding="utf-8").strip().splitlines() or ["it says nothing"]
                raise ProjectError(f"the service does not start: {said[-1]}")
            sleep(0.1)
        yield Target(folder, url, process, bodies)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def copy_champion(root: Path, folder: Path) -> list[str]:
    """Copy what a service needs to answer with the champion, as a bundle without a registry.

    Args:
        root: The project.
        folder: Where to copy it to.

    Returns:
        The champion's golden rows as requests.

    Raises:
        ProjectError: There is no champion.
    """
    # Imported here: the registry's client takes a second.
    from ..checksums import file_hash
    from ..tracking import has_registry
    from .versions import find_all

    found = find_all(root, folder, from_registry=has_registry(root))
    champion = found["champion"]
    if champion is None:
        raise ProjectError(f"a load test needs a champion: {found['problems'][0]}")
    bundle = folder / "models" / "champion"
    shutil.copytree(champion["folder"], bundle)
    shutil.copy(root / "params.yaml", folder)
    hashes = {path.name: file_hash(path) for path in bundle.iterdir() if path.is_file()}
    record = {"version": champion["version"], "commit": champion["commit"], "files": hashes}
    (folder / "models" / "champion.json").write_text(json.dumps(record), encoding="utf-8")
    golden = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))
    return [json.dumps(row) for row in golden["rows"]]


def measured(clients: "subprocess.Popen[str]") -> Step:
    """Return what clients measured, once they are done; ProjectError if they failed."""
    output, errors = clients.communicate()
    if clients.returncode:
        said = errors.strip().splitlines() or [f"status {clients.returncode}"]
        raise ProjectError(f"locust ended early: {said[-1]}")
    # The last line: locust or the system may have something to say before.
    found: Step = json.loads(output.splitlines()[-1])
    return found


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/ready", timeout=10):  # noqa: S310 - its own address
            return True
    except (HTTPError, URLError):
        return False


def summary(
    answers: list[tuple[float, float]], failures: list[str], began: float, ended: float
) -> dict[str, Any]:
    """Sum up what was measured.

    Args:
        answers: For each prediction the moment when it came, and the seconds that it took.
        failures: The status of each request that failed, or the error.
        began: The moment from which times are measured; failures always count.
        ended: The moment of the end.
    """
    moments = sorted(moment for moment, _ in answers if began <= moment <= ended)
    seconds = sorted(took for moment, took in answers if began <= moment <= ended)
    gaps = [after - before for before, after in pairwise([began, *moments, ended])]

    def percentile(share: float) -> float:
        return round(1000 * seconds[int(share * (len(seconds) - 1))], 2) if seconds else 0.0

    return {
        "requests": len(seconds),
        "requests_per_second": round(len(seconds) / (ended - began), 1),
        "p50_ms": percentile(0.50),
        "p95_ms": percentile(0.95),
        "p99_ms": percentile(0.99),
        "errors": len(failures),
        "longest_gap_ms": round(1000 * max(gaps), 1),
    }
