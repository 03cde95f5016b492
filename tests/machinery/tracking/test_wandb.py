"""What a project asserts of its store holds in each of the three that it may have chosen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from assembled import assemble

Log = Callable[..., "subprocess.CompletedProcess[str]"]
CONTRACT = Path(__file__).with_name("contract.py")


@pytest.mark.parametrize("tracker", ["mlflow", "wandb", "none"])
def test_the_contract_holds(tracker: str, tmp_path: Path) -> None:
    assemble(tmp_path, tracker=tracker)
    shutil.copy(CONTRACT, tmp_path / "test_contract.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4_000:]
    # Nothing is left beside the project, as tools do that take the current folder for theirs.
    assert {path.name for path in tmp_path.iterdir()} <= {
        *("churn_radar", "test_contract.py", "pytest.ini", "__pycache__", "home")
    }


@pytest.fixture
def wandb_logs(tmp_path: Path) -> Log:
    """Logs a run with one report in a process of its own, with these settings for wandb."""

    def log(**settings: str) -> subprocess.CompletedProcess[str]:
        assemble(tmp_path, tracker="wandb")
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "metrics.json").write_text("first")
        code = (
            "from pathlib import Path\nfrom churn_radar.tracking import Run, log\n"
            "files = [Path.cwd() / 'reports' / 'metrics.json']\n"
            "print(log(Path.cwd(), Run('a/b', 'linear-20260131-1a2b3c4', {}, {'x': 1}, {}, files)))"
        )
        kept = {name: value for name, value in os.environ.items() if "WANDB" not in name}
        own = {"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
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
    copy = record.parent / "files" / "reports" / "metrics.json"
    (tmp_path / "reports" / "metrics.json").write_text("second")
    assert copy.read_text() == "first"
    assert not copy.is_symlink()


def test_wandb_online_without_its_server_is_one_sentence(wandb_logs: Log) -> None:
    begin = time.monotonic()
    done = wandb_logs(
        WANDB_MODE="online", WANDB_BASE_URL="http://127.0.0.1:1", WANDB_API_KEY="a" * 40
    )
    assert time.monotonic() - begin < 30
    said = done.stderr.splitlines()[-1]
    assert said.startswith("churn_radar.errors.ProjectError: wandb did not take the run: ")
    assert said.endswith("set WANDB_MODE=offline, and `wandb sync` later")
