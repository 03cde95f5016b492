"""A table in the stages and the tests of a project, in a process of its own.

The libraries are imported once, and every process shares them: a table takes seconds.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import support
from threadpoolctl import threadpool_limits

HOOKS = support.ROOT / "hooks"

PRELOADED = (
    "_hypothesis_pytestplugin",  # which warns if hypothesis drew something before it is loaded
    "fairlearn.metrics",
    "matplotlib.figure",
    "mlflow",
    "optuna",
    "pandera.pandas",
    "skops.io",
    "sklearn.ensemble",
    "sqlalchemy.orm",
)
"""Libraries that a fork need not import again."""

MAX_TRIALS = 2
N_RESAMPLES = 20
"""What is enough to see that a table comes through."""

Outcome = tuple[str, str]
Finish = Callable[[Path], object]
"""What else to do in the project when its tests are green; an exception makes the table red."""


def nothing_more(_: Path) -> None:
    """Do nothing else."""


def prepare() -> None:
    """Import what the processes share, and make git and the numeric libraries behave alike."""
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "test@example.org" for part in ("NAME", "EMAIL")}
    # Threads that share a busy core wait for each other in loops, and a table takes minutes.
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that a project starts
    for library in PRELOADED:
        __import__(library)
    # A library reads the variable when it is loaded, which the caller's imports may have done.
    threadpool_limits(1)


def render_project(scratch: Path) -> Path:
    """Make the project that each table gets a copy of."""
    from mlflow import MlflowClient

    template = support.copy_template(scratch / "template")
    project = support.render(template, scratch / "project", {}).path
    # Each copy would make a database of its own, which takes a second.
    database = project / "models" / "mlflow.db"
    database.parent.mkdir(exist_ok=True)
    MlflowClient(f"sqlite:///{database.as_posix()}")
    return project


def outcome_of(
    project: Path, path: Path, target: str, finish: Finish = nothing_more, **overrides: Any
) -> tuple[str, str]:
    """Wire a copy of a project to a table and run it.

    The libraries are imported already, and a fork shares them: only the project's own modules are
    imported for each table, and nothing that they leave behind reaches the next one.

    Args:
        project: A rendered project.
        path: The table's file.
        target: The column to predict.
        finish: What else to do in the project, in the same process, when its tests are green.
        overrides: What a person decides beside the target, as fields of `wire.roles.Overrides`.

    Returns:
        `green`, `refused` by the wiring, `refused later` by a stage, or `red`; and why.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "project")
        shutil.copytree(project, copy)
        try:
            status, reason = in_a_process(lambda: _run(copy, path, target, finish, overrides))
        except RuntimeError as error:
            return "red", str(error)
        return status, reason


def in_a_process(act: Callable[[], Any]) -> Any:
    """Do something in a process of its own, which shares what is imported and says nothing.

    Args:
        act: What to do; what it returns can be written as JSON.

    Returns:
        What it returned, read from JSON.

    Raises:
        RuntimeError: It raised an exception, whose traceback is the message, or the process died.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        # The libraries stay: the process need not look again and again for what it can free there.
        gc.freeze()
        child = os.fork()
        if child == 0:
            _report(report, act)
        os.waitpid(child, 0)
        if not report.exists():
            raise RuntimeError("the process died")
        returned, problem = json.loads(report.read_text())
    if problem:
        raise RuntimeError(problem)
    return returned


def _report(report: Path, act: Callable[[], Any]) -> NoReturn:
    """Write what came out, and end this process without returning to the caller's code."""
    unseen = io.StringIO()
    try:
        with contextlib.redirect_stdout(unseen), contextlib.redirect_stderr(unseen):
            returned = act()
        report.write_text(json.dumps([returned, ""]))
    except BaseException:
        report.write_text(json.dumps([None, traceback.format_exc()]))
    finally:
        os._exit(0)


def _run(
    project: Path, path: Path, target: str, finish: Finish, overrides: Mapping[str, Any]
) -> tuple[str, str]:
    os.chdir(project)
    sys.path[:0] = [str(project / "src"), str(HOOKS)]
    from wire.__main__ import load_machinery

    load_machinery(project)
    import mlops.errors

    try:
        _wire(project, path, target, overrides)
    except mlops.errors.ProjectError as error:
        return "refused", str(error)
    except BaseException:
        return "red", f"wiring: {traceback.format_exc()}"
    # The project's own modules have an error class of their own.
    import churn_radar.mlops.errors

    try:
        _run_stages(project)
    except churn_radar.mlops.errors.ProjectError as error:
        return "refused later", str(error)
    except BaseException:
        return "red", f"stages: {traceback.format_exc()}"
    if failures := _run_tests():
        return "red", f"tests:\n{failures}"
    try:
        finish(project)
    except BaseException:
        return "red", f"afterwards: {traceback.format_exc()}"
    return "green", ""


def _wire(project: Path, path: Path, target: str, overrides: Mapping[str, Any]) -> None:
    """Write what `make wire` writes, without formatting it and without DVC."""
    from mlops.config import load_config
    from wire import project as wiring
    from wire.facts import inspect_table
    from wire.roles import Overrides

    facts = inspect_table(path, Overrides(target, **overrides))
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


def _run_stages(project: Path) -> None:
    from churn_radar.mlops import pipeline
    from churn_radar.mlops.config import load_config
    from churn_radar.mlops.modeling import metrics

    config = load_config(project)
    trials = min(MAX_TRIALS, config.tuning.trials)
    config = config.model_copy(
        update={"tuning": config.tuning.model_copy(update={"trials": trials})}
    )
    metrics.N_RESAMPLES = N_RESAMPLES
    for name in pipeline.STAGES:
        pipeline.run_stage(name, config, project)


def _run_tests() -> str:
    """Run the project's own tests; return the end of what they print if one fails."""
    import pytest

    # Plain assertions: what is imported already cannot be rewritten.
    options = ["-q", "-x", "--no-cov", "--assert=plain", "-p", "no:cacheprovider"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = pytest.main([*options, "tests"])
    return printed.getvalue()[-3000:] if status else ""
