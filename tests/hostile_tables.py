"""Plausible tables that are hard on a template: wired, run through the stages and tested.

Usage: python tests/hostile_tables.py [how many] [seed]

Each table must be refused with one sentence, or end green: every stage on the table itself, and the
project's own tests on rows that its schema makes up. A thousand take an hour; the suite runs a few.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from table_runs import outcome_of, prepare, render_project

MIN_ROWS = 25
MAX_ROWS = 250

Values = Callable[[np.random.Generator, int], object]
"""Draws a column of so many rows."""


def _words(rng: np.random.Generator, rows: int, distinct: int, prefix: str) -> np.ndarray:
    return np.array([f"{prefix} {n}" for n in rng.integers(0, distinct, rows)], dtype=object)


def _with_gaps(values: object, rng: np.random.Generator, rows: int) -> pd.Series:
    return pd.Series(values, dtype=object).mask(rng.random(rows) < 0.15)


COLUMNS: dict[str, Values] = {
    "whole numbers": lambda rng, rows: rng.integers(-50, 5_000, rows),
    "whole numbers with gaps": lambda rng, rows: _with_gaps(rng.integers(0, 90, rows), rng, rows),
    "amounts": lambda rng, rows: rng.lognormal(3, 1, rows).round(2),
    "amounts with gaps": lambda rng, rows: _with_gaps(rng.normal(0, 1, rows).round(4), rng, rows),
    "shares": lambda rng, rows: rng.random(rows).round(3),
    "huge numbers": lambda rng, rows: rng.integers(10**12, 10**15, rows),
    "tiny numbers": lambda rng, rows: rng.normal(0, 1e-9, rows),
    "a unique id": lambda rng, rows: rng.permutation(rows) + 1,
    "a unique code": lambda rng, rows: [f"K{n:05}" for n in rng.permutation(rows)],
    "a repeated id": lambda rng, rows: rng.integers(1, max(2, rows // 4), rows),
    "constant": lambda _, rows: ["same"] * rows,
    "constant but one": lambda _, rows: [1, *[0] * (rows - 1)],
    "empty": lambda _, rows: [None] * rows,
    "nearly empty": lambda _, rows: ["x", *[None] * (rows - 1)],
    "a few kinds": lambda rng, rows: _words(rng, rows, 4, "kind"),
    "kinds with gaps": lambda rng, rows: _with_gaps(_words(rng, rows, 3, "type"), rng, rows),
    "many kinds": lambda rng, rows: _words(rng, rows, max(3, rows // 3), "place"),
    "yes or no": lambda rng, rows: rng.choice(["yes", "no"], rows),
    "a flag with gaps": lambda rng, rows: _with_gaps(rng.integers(0, 2, rows), rng, rows),
    "a rare flag": lambda rng, rows: (rng.random(rows) < 0.03).astype(int),
    "days": lambda rng, rows: (
        pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    ),
    "days with gaps": lambda rng, rows: _with_gaps(
        [f"2022-{1 + n % 12:02}-{1 + n % 28:02}" for n in rng.integers(0, 300, rows)],
        rng,
        rows,
    ),
    "years": lambda rng, rows: rng.integers(1990, 2025, rows),
    "free text": lambda rng, rows: [f'said {n}, then left; "{n % 7}"' for n in range(rows)],
    "leading zeros": lambda rng, rows: [f"0{n}" for n in rng.integers(100, 999, rows)],
}
NAMES = (
    "id",
    "customer id",
    "Größe (m²)",
    "class",
    "2nd value",
    "signup_date",
    "year",
    "gender",
    "pd",
)
"""Beside plain names, some that carry a meaning, or that Python or a schema cannot have."""


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, str]:
    """A table and the name of its target."""
    rows = draw(st.integers(MIN_ROWS, MAX_ROWS))
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=9))
    if draw(st.integers(0, 9)) == 0:  # a wide one
        kinds += ["amounts"] * draw(st.integers(20, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    special = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    columns = {}
    for number, kind in enumerate(kinds):
        name = special[number] if number < len(special) else f"col_{number}"
        columns[name] = COLUMNS[kind](rng, rows)
    table = pd.DataFrame(columns)
    table["outcome"] = _outcome(draw, table, rng)
    if draw(st.integers(0, 4)) == 0:  # rows that are duplicated
        table = pd.concat([table, table.head(rows // 5)], ignore_index=True)
    return table, "outcome"


def _outcome(draw: st.DrawFn, table: pd.DataFrame, rng: np.random.Generator) -> Any:
    """The target follows from a column, or from nothing at all."""
    rows = len(table)
    score = rng.normal(0, 1, rows)
    numeric = table.select_dtypes("number")
    if len(numeric.columns) and draw(st.booleans()):
        score = score / 3 + numeric.iloc[:, 0].rank().to_numpy() / rows * 4
    ranks = pd.Series(score).rank(pct=True, method="first")
    kind = draw(st.sampled_from(["two", "rare", "three", "many", "number", "whole", "gaps"]))
    if kind == "two":
        return np.where(ranks > 0.5, "yes", "no")
    if kind == "rare":
        return (ranks > 0.9).astype(int)
    if kind == "three":
        return pd.cut(ranks, 3, labels=["low", "mid", "high"]).astype(str)
    if kind == "many":
        return pd.cut(ranks, 12, labels=False).astype(str).radd("class ")
    if kind == "number":
        return (score * 10).round(3)
    whole = (ranks * 400).round().astype(int)
    return whole if kind == "whole" else _with_gaps(whole, rng, rows)


def run(count: int, start: int, project: Path, scratch: Path) -> list[tuple[str, str]]:
    """Return what came out of each table, and why. A red one is kept beside the system's files."""
    results: list[tuple[str, str]] = []

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(tables())
    def one(drawn: tuple[pd.DataFrame, str]) -> None:
        table, target = drawn
        path = scratch / "table.csv"
        table.to_csv(path, index=False)
        status, reason = outcome_of(project, path, target)
        results.append((status, reason))
        print(f"{len(results)}: {status}: {reason[-400:]}", flush=True)
        if status == "red":
            kept = Path(tempfile.gettempdir(), f"hostile-{start}-{len(results)}.csv")
            shutil.copy(path, kept)
            print(f"red: {kept}\n{reason}", flush=True)

    one()
    return results


def make_quick(project: Path) -> None:
    """Boost in fewer rounds: whether a table comes through does not depend on them."""
    path = project / "params.yaml"
    settings = path.read_text(encoding="utf-8")
    assert "max_iter: 100" in settings
    path.write_text(settings.replace("max_iter: 100", "max_iter: 20"), encoding="utf-8")


def main() -> int:
    """Run as many tables as asked; return 1 if one was red."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    prepare()
    with tempfile.TemporaryDirectory() as scratch:
        project = render_project(Path(scratch))
        make_quick(project)
        results = run(count, start, project, Path(scratch))
    came_out = Counter(status for status, _ in results)
    print(dict(came_out))
    return came_out["red"] > 0


if __name__ == "__main__":
    sys.exit(main())
