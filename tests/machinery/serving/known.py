"""A running service, clients that ask it all the time, and versions that it can be given."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import churn_radar
import numpy as np
import pandas as pd
from churn_radar.mlops import team
from churn_radar.mlops.bounds import Canary
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.inputs import feature_table, inputs
from churn_radar.mlops.modeling.storage import load_model, save_model
from churn_radar.mlops.promotion.promote import register_candidate
from churn_radar.mlops.tracking import Version, registry

SOURCE = Path(churn_radar.__file__).parents[1]
JSON = {"Content-Type": "application/json"}
COMMIT = "a" * 40
QUICK = Canary(stages=[20, 50], stage_seconds=1, stage_rows=150)
"""A ramp of seconds."""

SECONDS = 120
PAUSE = 0.02
"""Four clients ask some 150 times a second."""


@dataclass
class Answered:
    """An answer: its status, its headers, and what is in it."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """A service in a process of its own."""

    root: Path
    port: int
    process: subprocess.Popen[str]
    log: Path

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        kind = response.headers.get("content-type", "")
        found = json.loads(content) if kind.startswith("application/json") else content.decode()
        return Answered(response.status, dict(response.headers), found)

    def predict(self, rows: Any, query: str = "") -> Answered:
        """Ask for predictions."""
        return self.ask("POST", f"/predict{query}", json.dumps(rows).encode(), JSON)

    def metric(self, start: str) -> float:
        """The sum of the metrics whose line starts so."""
        lines = self.ask("GET", "/metrics").body.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Wait until something has happened."""
        end = time.monotonic() + SECONDS
        while not until():
            assert time.monotonic() < end, f"{what} did not happen: {self.log.read_text()}"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def wait_for_version(self, number: int) -> None:
        """Wait until a version is the champion that answers."""
        self.wait(lambda: self.version() == number, f"a swap to version {number}")

    def version(self) -> int:
        """The number of the champion that answers."""
        return int(self.ask("GET", "/model").body["champion"]["version"])

    def model_processes(self) -> list[int]:
        """The ids of the processes that have loaded a version."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except (OSError, ValueError):
                continue
            if int(parent) == self.process.pid and any(w.endswith("backend") for w in words):
                found.append(int(folder.name))
        return found


COMMAND = (sys.executable, "-m", "churn_radar.mlops.serving.commands")


@contextmanager
def serving(
    root: Path, command: Sequence[str] = COMMAND, log: Path | None = None, **variables: str
) -> Iterator[Server]:
    """Serve a project until the block ends, and see that it ends well."""
    log = log or root / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--port", "0"],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(SOURCE)} | variables,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "/predict" in line, log.read_text()
        port = int(line.partition("/predict")[0].rpartition(":")[2])
        server = Server(root, port, process, log)
        server.wait(lambda: server.ask("GET", "/ready").status == 200, "readiness")
        yield server
    finally:
        process.terminate()
        process.wait(SECONDS)
        process.stdout.close()


@dataclass
class Load:
    """Clients that ask all the time, and what they were answered: row, status, answer, seconds.

    Where a process is started meanwhile they pause for as many seconds after each answer, since all
    share the cores: it would take longest of all.
    """

    server: Server
    rows: Sequence[dict[str, Any]]
    n_clients: int = 4
    pause: float = 0.0
    answers: list[tuple[int, int, Any, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Load:
        """Begin to ask."""
        self._threads = []
        for number in range(self.n_clients):
            thread = threading.Thread(target=self._client, args=(number,))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop asking."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, n_answers: int) -> None:
        """Wait until there are as many answers."""
        self.server.wait(lambda: len(self.answers) >= n_answers, f"answer {n_answers}")

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        position = number
        while not self._end.is_set():
            position = (position + self.n_clients) % len(self.rows)
            body = json.dumps(self.rows[position]).encode()
            began = time.monotonic()
            try:
                connection.request("POST", "/predict", body, JSON)
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            seconds = time.monotonic() - began
            answer = json.loads(content)
            self.answers.append((position, response.status, answer, seconds))
            if response.status != 200:
                self.failures.append(f"{response.status}: {answer}")
            time.sleep(self.pause)
        connection.close()


@contextmanager
def serving_with(
    served: Path, root: Path, settings: dict[str, Any], **variables: str
) -> Iterator[Server]:
    """Serve a project's versions with other settings, from a folder of its own."""
    (root / "models").symlink_to(served / "models")
    params = (served / "params.yaml").read_text().partition("\nserving:")[0]
    (root / "params.yaml").write_text(f"{params}\nserving: {json.dumps(settings)}\n")
    with serving(root, COMMAND, None, **variables) as running:
        yield running


def retrain(config: Config, root: Path, seed: int) -> None:
    """Make another model in models/: fitted to other rows."""
    rows = pd.read_parquet(root / config.table("processed", "train")).sample(
        frac=0.5, random_state=seed
    )
    features, target = inputs(config, rows)
    model = load_model(root / "models" / "model.skops")
    model.fit(features, target)
    save_model(model, root / "models" / "model.skops")
    manifest.write(config, root)


def spoil(config: Config, root: Path) -> int:
    """Register a challenger that loads and gives its golden answers, and is bad all the same."""
    model = load_model(root / "models" / "model.skops")
    final = model[-1]
    is_linear = hasattr(final, "coef_")
    start = np.asarray(final.intercept_ if is_linear else final._baseline_prediction)
    # Far away for a probability as well as for a number; of several classes for the last.
    shift = np.zeros_like(start, dtype=float)
    shift.flat[-1] = 20 if hasattr(final, "classes_") else 1e6
    if is_linear:
        final.coef_ = final.coef_ * 0
        final.intercept_ = shift
    else:
        final._baseline_prediction = start + shift
    save_model(model, root / "models" / "model.skops")
    manifest.write(config, root)
    return int(register(config, root).number)


def hang(config: Config, root: Path) -> int:
    """Register a challenger whose own features.py waits for as long as there is a file `hang`."""
    retrain(config, root, seed=20)
    code = root / "models" / "code.zip"
    with ZipFile(code) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    features = files["churn_radar/features.py"].decode()
    features = features.replace(
        "import pandas", "import time\nfrom pathlib import Path\nimport pandas"
    )
    first = "    days = ("
    assert first in features
    wait = '    while Path("hang").exists():\n        time.sleep(0.1)\n'
    files["churn_radar/features.py"] = features.replace(first, wait + first).encode()
    with ZipFile(code, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path = root / "models" / "manifest.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"snapshot": file_hash(code)}))
    return int(register(config, root).number)


def register(config: Config, root: Path) -> Version:
    """Register what stands in models/, as a promotion does."""
    return register_candidate(config, root, COMMIT)


def make_champion(config: Config, root: Path, number: int) -> None:
    """Move the alias, as a promotion does at its end."""
    registry.set_alias(root, config.model.name, "champion", number)


def offline(config: Config, root: Path, number: int, rows: pd.DataFrame) -> np.ndarray:
    """What a version predicts without any service: probabilities, or numbers in one column."""
    numbered = {one.number: one for one in registry.versions(root, config.model.name)}
    folder = registry.fetch(root, config.model.name, numbered[number])
    features = feature_table(team.features(), rows)
    model = manifest.load(folder)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(features))
    return np.asarray(model.predict(features)).reshape(-1, 1)


def online(answer: Any) -> np.ndarray:
    """What a service predicted, in the same form."""
    found = []
    for one in answer["predictions"]:
        shares = one.get("probabilities")
        found.append(list(shares.values()) if shares else [one["prediction"]])
    return np.array(found, float)


def copy_project(finished: Path, params: Path, target: Path) -> Path:
    """A project to serve from, with a finished pipeline and nothing registered."""
    for name in ("data", "models", "reports", "docs"):
        shutil.copytree(finished / name, target / name)
    shutil.copy(params, target / "params.yaml")
    return target
