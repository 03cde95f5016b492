"""A tracking server, a silent one, a store that is none, and a store with thousands of runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar
from urllib.request import urlopen

import psutil
import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.tracking import Run, registry, runs
from churn_radar.mlops.tracking.registry import collect_garbage, prunable
from filled_store import fill

T = TypeVar("T")
MODEL = "churn-radar"
RUN = Run(
    f"{MODEL}/pipeline",
    "linear-main-20260131-142530",
    {f"setting_{n}": str(n) for n in range(80)},
    {f"metric_{n}": n / 7 for n in range(40)},
    {f"library.{n}": "1.0" for n in range(20)},
    model="linear",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "metrics.json").write_text("{}")
    for name in ("model.skops", "manifest.json", "code.zip"):
        (tmp_path / "models" / name).write_text(name)
    return tmp_path


def log(root: Path) -> str:
    files = [root / "reports" / "metrics.json"]
    run = Run(RUN.experiment, RUN.name, RUN.params, RUN.metrics, {}, files)
    return str(runs.log(root, run))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A tracking server that keeps the files itself, and is the one to log to."""
    home, address = tmp_path_factory.mktemp("server"), f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", address.rpartition(":")[2], "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{(home / 'server.db').as_posix()}"]
    command += ["--artifacts-destination", (home / "artifacts").as_uri()]
    settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        (home / "log.txt").open("wb") as output,
        subprocess.Popen(
            command, cwd=home, env=os.environ | settings, stdout=output, stderr=output
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 90
            while not answers(f"{address}/health"):
                assert process.poll() is None, (home / "log.txt").read_text()
                assert time.monotonic() < deadline, (home / "log.txt").read_text()
                time.sleep(0.2)
            monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
            yield address
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


def answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_server_keeps_runs_versions_and_files(root: Path, server: str) -> None:
    first, second = log(root), log(root)
    assert [run.id for run in runs.recent(root, 5)] == [second, first]
    assert runs.recent(root, 1)[0].metrics == RUN.metrics
    version = registry.register(root, MODEL, root / "models", first, {"chosen": "linear"})
    assert registry.register(root, MODEL, root / "models", None, {}) == version
    registry.set_alias(root, MODEL, "champion", version.number)
    registry.tag(root, MODEL, version.number, "promoted", "yes")
    champion = registry.by_alias(root, MODEL, "champion")
    assert champion is not None
    assert (champion.run, champion.tags["promoted"]) == (first, "yes")
    # Another clone of the project has only what the server has.
    clone = root / "clone"
    for _ in range(2):
        folder = registry.fetch(clone, MODEL, champion)
        assert folder.is_relative_to(clone)
        assert (folder / "model.skops").read_text() == "model.skops"
        assert (folder / "manifest.json").read_text() == "manifest.json"
    assert not list(root.glob("models/mlflow*"))
    with pytest.raises(ProjectError, match=f"{server}: run `mlflow gc` there"):
        prunable(root, set())
    with pytest.raises(ProjectError, match=f"the tracking server {server} refuses: .*version=9"):
        registry.set_alias(root, MODEL, "champion", 9)
    registry.drop_alias(root, MODEL, "champion")
    assert registry.by_alias(root, MODEL, "champion") is None


@pytest.mark.parametrize("listens", [False, True], ids=["nobody listens", "nobody answers"])
def test_a_silent_server_is_one_sentence(
    root: Path, monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as port:
        address = f"127.0.0.1:{port.getsockname()[1]}"
        if not listens:
            port.close()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:secret@{address}")
        begin = time.monotonic()
        with pytest.raises(ProjectError) as refusal:
            log(root)
    assert time.monotonic() - begin < 15
    assert str(refusal.value) == (
        f"the tracking server http://{address} does not answer: start it, or unset "
        "MLFLOW_TRACKING_URI to use models/mlflow.db"
    )


def test_a_file_that_is_no_store_is_said(root: Path) -> None:
    (root / "models" / "mlflow.db").write_text("no database" * 100)
    with pytest.raises(ProjectError, match=r"models/mlflow\.db refuses: .*not a database"):
        log(root)


def test_two_thousand_runs_are_no_burden(root: Path) -> None:
    run = log(root)
    registry.register(root, MODEL, root / "models", run, {"chosen": "linear"})
    fill(root / "models" / "mlflow.db", 2_000, 200)
    seconds = {}

    def timed(name: str, call: Callable[[], T]) -> T:
        begin = time.monotonic()
        result = call()
        seconds[name] = round(time.monotonic() - begin, 2)
        return result

    assert len(timed("recent", lambda: runs.recent(root, 50))) == 50
    assert len(timed("versions", lambda: registry.versions(root, MODEL))) == 200
    timed("set_alias", lambda: registry.set_alias(root, MODEL, "champion", 150))
    champion = timed("by_alias", lambda: registry.by_alias(root, MODEL, "champion"))
    assert champion is not None
    assert champion.number == 150
    assert timed("aliases", lambda: registry.aliases(root)) == {MODEL: {"champion": 150}}
    timed("tag", lambda: registry.tag(root, MODEL, 200, "refused", "floor"))
    timed("drop_alias", lambda: registry.drop_alias(root, MODEL, "champion"))
    (root / "models" / "model.skops").write_text("another")
    version = timed("register", lambda: registry.register(root, MODEL, root / "models", None, {}))
    assert version.number == 201
    timed("fetch", lambda: registry.fetch(root, MODEL, version))
    timed("log", lambda: log(root))
    config = SimpleNamespace(tracking=SimpleNamespace(keep_runs=50))
    timed("gc", lambda: collect_garbage(config, root, really=False))
    print(seconds)
    assert max(seconds.values()) < 5, seconds
