"""The memory of a run does not grow with its input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import team

MEASURED = """
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
sys.path[:0] = sys.argv[1:2]
from churn_radar.mlops.config import load_config
from churn_radar.mlops.data import chunks
from churn_radar.mlops.prediction.batch import Order, run
# Smaller than usual, as the files are.
chunks.ROWS, chunks.BLOCK = 10_000, 1 << 20
root = Path(sys.argv[2])
run(load_config(root), root, Order(Path(sys.argv[3]), Path(sys.argv[4])))
print(getrusage(RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 1024**2))
"""
MOST_MB = 40
"""By which the two may differ: the rows that one has more take 150 MB as a table."""


@pytest.mark.skipif(sys.platform == "win32", reason="its peak memory is asked for in another way")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_four_times_the_rows_take_no_more_memory(
    suffix: str, champion_root: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    peaks = []
    for n_copies in (200, 800):
        rows = pd.concat([requests] * n_copies, ignore_index=True)
        path = tmp_path / f"rows_{n_copies}.{suffix}"
        rows.to_csv(path, index=False) if suffix == "csv" else rows.to_parquet(path)
        paths = [team.PACKAGE.parent, champion_root, path, tmp_path / f"scores_{n_copies}.parquet"]
        command = [sys.executable, "-c", MEASURED, *map(str, paths)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout.splitlines()[-1]))
    assert peaks[1] < peaks[0] + MOST_MB
