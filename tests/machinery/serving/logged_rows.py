"""Batches for the prediction log whose rows are known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from churn_radar.mlops import team
from churn_radar.mlops.bounds import Serving
from churn_radar.mlops.config import Config
from churn_radar.mlops.serving.log import FOLDER
from churn_radar.mlops.serving.logged import Logged

START = 1_767_225_600.0
"""The time of the first row: the beginning of 2026."""

PYTHONPATH = os.pathsep.join([str(team.PACKAGE.parent), str(Path(__file__).parents[2])])
"""Where a process that a test starts finds the package, and this module."""

WRITER = """
import sys
from pathlib import Path

from churn_radar.mlops.config import load_config
from churn_radar.mlops.serving import log, log_files
from machinery.serving.logged_rows import batch, quick

project, root, first = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
log.TIDY_SECONDS = 1
log_files.MERGE_AT = 3
writing = log.PredictionLog(root, quick(load_config(project)), f"v3-{first}")
while True:
    writing.append(batch(first, 5))
    first += 5
    if writing.flush():
        print(first, flush=True)
"""
"""Writes rows until it is killed, and prints up to which one they are on the disk."""


def batch(first: int, n_rows: int = 1, **changes: Any) -> Logged:
    """Rows that are numbered from `first`; each is a request of its own."""
    numbers = range(first, first + n_rows)
    features = {
        "tenure_months": np.arange(first, first + n_rows, dtype=float),
        "region": ["north"] * n_rows,
    }
    ids = {"customer_id": numbers, "event_month": [pd.Timestamp("2026-01-01")] * n_rows}
    parts: dict[str, Any] = {
        "request_ids": [f"r{number}" for number in numbers],
        "rows": [0] * n_rows,
        "arms": ["champion"] * n_rows,
        "times": [START + number for number in numbers],
        "version": 3,
        "features": pd.DataFrame(features),
        "ids": pd.DataFrame(ids),
        "predictions": np.arange(first, first + n_rows) % 2,
        "probabilities": np.column_stack([np.full(n_rows, 0.25), np.full(n_rows, 0.75)]),
        "classes": (0, 1),
    }
    return Logged(**parts | changes)


def quick(config: Config, **settings: float) -> Config:
    """The settings of a log that is written at once."""
    serving = Serving(**{"log_seconds": 0.01} | settings)
    return config.model_copy(update={"serving": serving})


def files(root: Path) -> list[str]:
    """The names of the log's files."""
    return sorted(path.name for path in (root / FOLDER).glob("*.parquet"))


def write_and_kill(project: Path, root: Path, first: int, n_rows: int) -> int:
    """Kill a process that writes rows from `first` on; return up to which it knew them written."""
    command = [sys.executable, "-c", WRITER, str(project), str(root), str(first)]
    environment = os.environ | {"PYTHONPATH": PYTHONPATH}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        last = first
        for line in process.stdout:
            last = int(line)
            if last >= first + n_rows:
                break
        process.send_signal(signal.SIGKILL)
        return [last, *map(int, process.stdout.read().split())][-1]


def numbers(rows: pd.DataFrame) -> list[int]:
    """The numbers of the rows, in the order of time; each row must be whole."""
    if rows.empty:
        return []
    found = rows["id_customer_id"].tolist()
    assert rows["request_id"].tolist() == [f"r{number}" for number in found]
    assert rows["feature_tenure_months"].tolist() == found
    assert rows.notna().all().all()
    return found
