"""Times `make predict` on 10^5, 10^6 and 10^7 rows by 30 columns, as CSV and as Parquet.

Usage: python tests/benchmarks/predict.py [rows ...]. Memory should stay flat: the design allows
2 GB for ten million rows. The model is trained on a wired table of 20,000.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pyarrow
from pyarrow import csv, parquet

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.scale import TARGET, table, timed
from support import copy_template

ROWS = (100_000, 1_000_000, 10_000_000)
TRAINED_ON = 20_000
BLOCK = 100_000
"""Rows that are written again and again, so that a large file is soon there."""

REGISTER = """
from pathlib import Path
from churn_radar.mlops.config import load_config
from churn_radar.mlops.promotion.promote import register_candidate
from churn_radar.mlops.tracking import registry
root = Path.cwd()
config = load_config(root)
version = register_candidate(config, root, "0" * 40)
registry.set_alias(root, config.model.name, "champion", version.number)
"""
"""Makes the candidate champion, without the gates: what it predicts is not of interest here."""


def write(path: Path, rows: int) -> None:
    """Write a table of that many rows."""
    block = pyarrow.Table.from_pandas(table(BLOCK, 0).drop(columns=TARGET), preserve_index=False)
    kind = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
    with kind(path, block.schema) as writer:
        for _ in range(rows // BLOCK):
            writer.write_table(block)


def main() -> None:
    """Print one row a file."""
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "bench@example.org" for part in ("NAME", "EMAIL")}
    rows_of = [int(rows) for rows in sys.argv[1:]] or ROWS
    lines = [f"{'rows':>12}{'file':>9}{'MB':>8}{'seconds':>9}{'rows/s':>9}{'GB':>7}"]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        template, project = copy_template(root / "template"), root / "project"
        copier = [sys.executable, "-m", "copier", "copy", "--quiet", "--trust", "--defaults"]
        timed(root, *copier, str(template), str(project))
        small = root / "customers.csv"
        table(TRAINED_ON, 0).to_csv(small, index=False)
        run = ["uv", "run", "--no-sync"]
        timed(project, *run, "churn-radar", "wire", "--", str(small), TARGET)
        timed(project, *run, "churn-radar", "pipeline")
        timed(project, *run, "python", "-c", REGISTER)
        for rows in rows_of:
            for suffix in (".csv", ".parquet"):
                path = root / f"customers_{rows}{suffix}"
                write(path, rows)
                size = path.stat().st_size / 1e6
                seconds, most = timed(project, "make", "predict", f"IN={path}")
                path.unlink()
                lines.append(
                    f"{rows:>12,}{suffix:>9}{size:>8,.0f}{seconds:>9.1f}{rows / seconds:>9,.0f}"
                    f"{most:>7.2f}"
                )
                print(lines[-1], flush=True)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
