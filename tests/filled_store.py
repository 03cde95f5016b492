"""A store with the history of years: MLflow's database, filled by copying rows in SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def fill(path: Path, runs: int, versions: int) -> None:
    """Copy the first run and the first version of a store until there are that many.

    The copies are older than the run, and have other models than the version.
    """
    run = "run_uuid = (SELECT run_uuid FROM runs ORDER BY start_time, run_uuid LIMIT 1)"
    of_run = {"start_time": "start_time - 1000 * n", "run_uuid": "printf('%032x', n)"}
    digest = "CASE key WHEN 'sha256' THEN printf('%064x', n) ELSE value END"
    with closing(sqlite3.connect(path)) as store, store:
        (n_runs,) = store.execute("SELECT COUNT(*) FROM runs").fetchone()
        (newest,) = store.execute("SELECT MAX(version) FROM model_versions").fetchone()
        of_version = {"version": f"{newest} + n", "value": digest}
        # Its own tables come last: the first run is looked up there.
        for name in ("params", "tags", "metrics", "latest_metrics", "runs"):
            multiply(store, name, run, runs - n_runs, of_run)
        for name in ("model_versions", "model_version_tags"):
            multiply(store, name, "version = 1", versions - newest, of_version)


def multiply(
    store: sqlite3.Connection, table: str, where: str, times: int, changes: dict[str, str]
) -> None:
    """Insert each of the rows so many times more, with these columns changed by the number `n`."""
    columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
    values = [changes.get(column, column) for column in columns]
    store.execute(
        "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter LIMIT ?) "  # noqa: S608
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM (SELECT * FROM {table} WHERE {where}), counter",
        [times],
    )
