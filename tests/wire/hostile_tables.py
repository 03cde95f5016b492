"""Plausible tables that are hard on a template: wired, run through the stages and tested.

Usage: python tests/wire/hostile_tables.py [how many] [seed]

Each table must be refused with one sentence, or end green: every stage on the table itself, and the
project's own tests on rows that its schema makes up. A thousand take hours; the suite runs a few.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
MIN_ROWS = 25
MAX_ROWS = 250

PRELOADED = (
    "_hypothesis_pytestplugin",  # which warns if hypothesis drew something before it is loaded
    "fairlearn.metrics",
    "matplotlib.figure",
    "mlflow",
    "optuna",
    "skops.io",
)
"""Libraries that a fork need not import again."""


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
        [f"2022-{1 + n % 12:02}-{1 + n % 28:02}" for n in rng.integers(0, 300, rows)], rng, rows
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


# --- one table in a process of its own ------------------------------------------------------------


def outcome_of(project: Path, table: pd.DataFrame, target: str) -> tuple[str, str]:
    """Wire a copy of the project to the table and run it; return what came out, and why.

    The libraries are imported already, and a fork shares them: only the project's own modules are
    imported for each table, and nothing that they leave behind reaches the next one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "project")
        shutil.copytree(project, copy)
        path = Path(scratch, "table.csv")
        table.to_csv(path, index=False)
        report = Path(scratch, "report.json")
        child = os.fork()
        if child == 0:
            _report(report, copy, path, target)
        os.waitpid(child, 0)
        if not report.exists():
            return "red", "the process died"
        status, reason = json.loads(report.read_text())
        return status, reason


def _report(report: Path, project: Path, path: Path, target: str) -> NoReturn:
    """Write what came out, and end this process without returning to the caller's code."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = _run(project, path, target)
        report.write_text(json.dumps(result))
    except BaseException:
        report.write_text(json.dumps(["red", traceback.format_exc()]))
    finally:
        os._exit(0)


def _run(project: Path, path: Path, target: str) -> tuple[str, str]:
    os.chdir(project)
    sys.path[:0] = [str(project / "src"), str(ROOT / "hooks")]
    from wire.__main__ import load_machinery

    load_machinery(project)
    import mlops.errors

    # The project's own modules have an error class of their own, so both names count.
    try:
        _wire(project, path, target)
    except mlops.errors.ProjectError as error:
        return "refused", str(error)
    except BaseException:
        return "red", f"wiring: {traceback.format_exc()}"
    try:
        return _run_stages(project)
    except BaseException:
        return "red", f"stages: {traceback.format_exc()}"


def _wire(project: Path, path: Path, target: str) -> None:
    """Write what `make wire` writes, without formatting it and without DVC."""
    from mlops.config import load_config
    from wire import project as wiring
    from wire.facts import inspect_table
    from wire.roles import Overrides

    facts = inspect_table(path, Overrides(target))
    package = wiring.find_package(project)
    texts = wiring._texts(facts, load_config(project), project, package)
    for name, text in texts.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    raw = project / facts.raw
    raw.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, raw)
    wiring._validate(facts, raw, project / package / "schemas.py")
    for name in wiring.OF_EXAMPLE:
        (project / name).unlink()


def _run_stages(project: Path) -> tuple[str, str]:
    import churn_radar.mlops.config as settings
    import churn_radar.mlops.errors as errors
    import churn_radar.mlops.pipeline as pipeline
    import pytest
    from churn_radar.mlops.modeling import metrics

    config = settings.load_config(project)
    config = config.model_copy(
        update={"tuning": config.tuning.model_copy(update={"trials": min(2, config.tuning.trials)})}
    )
    metrics.N_RESAMPLES = 20
    for name in pipeline.STAGES:
        try:
            pipeline.run_stage(name, config, project)
        except errors.ProjectError as error:
            return "refused later", f"{name}: {error}"
    # Plain assertions: what is imported already cannot be rewritten.
    options = ["-q", "-x", "--no-cov", "--assert=plain", "-p", "no:cacheprovider"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = pytest.main([*options, "tests"])
    return ("green", "") if status == 0 else ("red", f"tests:\n{printed.getvalue()[-3000:]}")


def run(count: int, start: int, project: Path) -> list[tuple[str, str, pd.DataFrame]]:
    """Return what came out of each table, why, and the table itself."""
    results: list[tuple[str, str, pd.DataFrame]] = []

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
        results.append((*outcome_of(project, table, target), table))
        print(f"{len(results)}: {results[-1][0]}: {results[-1][1][-400:]}", flush=True)

    one()
    return results


def main() -> int:
    """Run as many tables as asked; return 1 if one was red."""
    import support

    for library in PRELOADED:
        __import__(library)
    import pandera.pandas  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import sqlalchemy.orm  # noqa: F401

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "test@example.org" for part in ("NAME", "EMAIL")}
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        template = support.copy_template(Path(scratch, "template"))
        project = support.render(template, Path(scratch, "project"), {})
        results = run(count, start, project.path)
    red = [(reason, table) for status, reason, table in results if status == "red"]
    for number, (reason, table) in enumerate(red):
        path = Path(tempfile.gettempdir(), f"hostile-{start}-{number}.csv")
        table.to_csv(path, index=False)
        print(f"\nred: {path}\n{reason}")
    print(dict(Counter(status for status, _, _ in results)))
    return bool(red)


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(ROOT / "hooks"), str(ROOT / "tools")]
    sys.exit(main())
