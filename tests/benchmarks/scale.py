"""Times wiring and the pipeline on tables of 10^4, 10^5 and 10^6 rows by 30 columns, side by side.

Usage: python tests/benchmarks/scale.py [rows ...]. The cost per row should stay about the same; the
design allows 8 GB of memory for a million rows on two cores. Each table comes twice, plain and with
a column of many categories, which may take twice as long at most.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support import copy_template

ROWS = (10_000, 100_000, 1_000_000)
TARGET = "churned"
CATEGORIES = 4_000
"""Values of the column that a plain table does not have: towns, articles, diagnoses."""


def table(rows: int, categories: int) -> pd.DataFrame:
    """Customers in 30 columns: an id, a date, categories, counts, amounts with gaps, an outcome.

    With `categories` one more column has as many values, of which some are frequent and most rare.
    """
    rng = np.random.default_rng(rows)
    columns: dict[str, object] = {
        "customer_id": rng.permutation(rows) + 1,
        "signup_date": np.datetime64("2020-01-01") + rng.integers(0, 1500, rows),
    }
    columns |= {f"kind_{n}": rng.choice([*"abcdefgh"[: n + 2]], rows) for n in range(6)}
    columns |= {f"count_{n}": rng.poisson(n + 1, rows) for n in range(6)}
    columns |= {f"amount_{n}": rng.normal(100, 20 + n, rows).round(2) for n in range(12)}
    gaps = rng.random((3, rows)) < 0.1
    columns |= {f"gap_{n}": np.where(gaps[n], np.nan, rng.random(rows).round(3)) for n in range(3)}
    score = columns["amount_0"] / 20 + columns["count_3"] / 2 + rng.normal(0, 1, rows) - 7  # type: ignore[operator]
    if categories:
        codes = rng.zipf(1.3, rows) % categories
        columns["town"] = np.char.add("town ", codes.astype(str))
        score = score + (codes * 7_919 % 13 - 6) / 6  # each town has its own rate
    return pd.DataFrame(columns | {TARGET: np.where(score > 0.8, "yes", "no")})


def timed(folder: Path, *command: str) -> tuple[float, float]:
    """Run a command; return its seconds and the most memory of any of its processes, in GB."""
    begin = time.perf_counter()
    process = os.posix_spawnp(
        "env", ["env", "-C", str(folder), *command], {**os.environ, "OMP_NUM_THREADS": "2"}
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - begin, usage.ru_maxrss / 1e6


def main() -> None:
    """Print one row a size."""
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "bench@example.org" for part in ("NAME", "EMAIL")}
    rows_of = [int(rows) for rows in sys.argv[1:]] or ROWS
    head = f"{'rows':>10}{'towns':>8}{'MB':>8}{'wire s':>9}{'GB':>6}"
    lines = [head + f"{'pipeline s':>12}{'GB':>6}{'us/row':>8}"]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        template, project = copy_template(root / "template"), root / "project"
        copier = [sys.executable, "-m", "copier", "copy", "--quiet", "--trust", "--defaults"]
        timed(root, *copier, str(template), str(project))
        run = ["uv", "run", "--no-sync"]
        for rows, categories in product(rows_of, (0, CATEGORIES)):
            path = root / f"customers_{rows}_{categories}.csv"
            table(rows, categories).to_csv(path, index=False)
            wire, most = timed(project, *run, "churn-radar", "wire", "--", str(path), TARGET)
            pipeline, more = timed(project, *run, "churn-radar", "pipeline")
            cost = (wire + pipeline) / rows * 1e6
            size = path.stat().st_size / 1e6
            lines.append(
                f"{rows:>10,}{categories:>8,}{size:>8.0f}{wire:>9.1f}{most:>6.1f}{pipeline:>12.1f}{more:>6.1f}{cost:>8.0f}"
            )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
