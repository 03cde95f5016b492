"""Runs in MLflow, and in Weights & Biases where the project logs there as well."""

import time
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from . import Logged, Run, require_name
from .store import files, server, store

if TYPE_CHECKING:
    # MLflow takes a second to import: only `store` does, when it is needed.
    from mlflow import MlflowClient

BATCH_SIZE = 100
"""Parameters or tags in one request; MLflow refuses more."""

LONGEST_VALUE = 5_000
"""Characters of a parameter or a tag; MLflow takes 6,000 of the one and 8,000 of the other."""


def log(root: Path, run: Run) -> str:
    """Log a run in MLflow, and in Weights & Biases where the project logs there as well.

    Args:
        root: The project.
        run: What to log.

    Returns:
        The id of the run, which is the same in both.

    Raises:
        ProjectError: A name breaks the naming table, or a store does not answer.
    """
    require_name("experiment", run.experiment)
    require_name("run", run.name)
    run_id = _log(root, run)
    # The module is in the project if W&B was chosen; no setting has to agree with that.
    if find_spec(f"{__package__}.wandb_runs"):
        import_module(".wandb_runs", __package__).log(root, run, run_id)
    return run_id


def recent(root: Path, count: int) -> list[Logged]:
    """Find the newest runs of all experiments.

    Args:
        root: The project.
        count: How many runs to return at most.

    Returns:
        The runs, newest first.
    """
    with store(root) as client:
        experiments = {found.experiment_id: found.name for found in client.search_experiments()}
        newest = client.search_runs(
            list(experiments), max_results=count, order_by=["attributes.start_time DESC"]
        )
    logged = []
    for run in newest:
        # MLflow counts milliseconds.
        started = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
        logged.append(
            Logged(
                id=run.info.run_id,
                name=run.info.run_name,
                experiment=experiments[run.info.experiment_id],
                started=started.isoformat(),
                metrics=run.data.metrics,
            )
        )
    return logged


def _log(root: Path, run: Run) -> str:
    with store(root) as client:
        experiment_id = _experiment(client, root, run.experiment)
        run_id = str(client.create_run(experiment_id, run_name=run.name).info.run_id)
        _log_values(client, run_id, run)
        for file in run.files:
            folder = file.relative_to(root).parent.as_posix()
            client.log_artifact(run_id, str(file), folder)
        client.set_terminated(run_id)
    return run_id


def _experiment(client: "MlflowClient", root: Path, name: str) -> str:
    """The id of the experiment, which is made if it is not there."""
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    # A server knows where to keep files; MLflow's own default would be the current folder.
    location = None if server() else files(root).as_uri()
    return str(client.create_experiment(name, location))


def _log_values(client: "MlflowClient", run_id: str, run: Run) -> None:
    """Log metrics, parameters and tags, in requests that MLflow takes."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in run.metrics.items()]
    client.log_batch(run_id, metrics=metrics)
    params = [Param(name, value[:LONGEST_VALUE]) for name, value in run.params.items()]
    tags = [RunTag(name, value[:LONGEST_VALUE]) for name, value in run.tags.items()]
    for start in range(0, max(len(params), len(tags)), BATCH_SIZE):
        end = start + BATCH_SIZE
        client.log_batch(run_id, params=params[start:end], tags=tags[start:end])
