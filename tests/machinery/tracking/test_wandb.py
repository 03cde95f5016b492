"""A project that logs to Weights & Biases as well has each run in both stores, under one id."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from assembled import assemble
from churn_radar.mlops.tracking import runs

Log = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def wandb_logs(tmp_path: Path) -> Log:
    """Logs a run with one report in a process of its own, with these settings for wandb."""

    def log(**settings: str) -> subprocess.CompletedProcess[str]:
        assemble(tmp_path, tracker="wandb")
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "metrics.json").write_text("first")
        code = (
            "from pathlib import Path\n"
            "from churn_radar.mlops.tracking import Run\n"
            "from churn_radar.mlops.tracking.runs import log\n"
            "files = [Path.cwd() / 'reports' / 'metrics.json']\n"
            "print(log(Path.cwd(), Run('a/b', 'a-main-20260131-142530', {}, {'x': 1}, {}, files)))"
        )
        kept = {name: value for name, value in os.environ.items() if "WANDB" not in name}
        own = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=kept | own | settings,
            capture_output=True,
            text=True,
        )

    return log


def test_wandb_offline_keeps_a_run_to_sync_later(wandb_logs: Log, tmp_path: Path) -> None:
    done = wandb_logs()
    assert (done.returncode, done.stderr) == (0, "")
    id_ = done.stdout.strip()
    (record,) = tmp_path.glob(f"models/wandb/offline-run-*/run-{id_}.wandb")
    (run,) = runs.recent(tmp_path, 5)
    assert (run.id, run.experiment, run.metrics) == (id_, "a/b", {"x": 1})
    copy = record.parent / "files" / "reports" / "metrics.json"
    (tmp_path / "reports" / "metrics.json").write_text("second")
    assert copy.read_text() == "first"
    assert not copy.is_symlink()
    # Nothing is left beside the project, as tools do that take the current folder for theirs.
    assert {path.name for path in tmp_path.iterdir()} <= {
        "churn_radar",
        "home",
        "models",
        "reports",
    }


def test_wandb_online_without_its_server_is_one_sentence(wandb_logs: Log) -> None:
    begin = time.monotonic()
    done = wandb_logs(
        WANDB_MODE="online", WANDB_BASE_URL="http://127.0.0.1:1", WANDB_API_KEY="a" * 40
    )
    assert time.monotonic() - begin < 60
    said = done.stderr.splitlines()[-1]
    assert said.startswith("churn_radar.mlops.errors.ProjectError: wandb did not take the run: ")
    assert said.endswith("set WANDB_MODE=offline, and `uv run wandb sync` later")
