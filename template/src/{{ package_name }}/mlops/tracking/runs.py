"""Runs in MLflow, and in Weights & Biases where the project logs there as well."""

import time
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from .records import Logged, Run, require_name
from .store import files, server, store

AT_ONCE = 100  # more parameters or tags MLflow does not take in one request
LONGEST = 5_000  # characters of a value


def log(root: Path, run: Run) -> str:
    """Log the run and return its id; ProjectError if a name breaks the naming table.

    Where the project logs to Weights & Biases as well, the run has the same id there.
    """
    require_name("experiment", run.experiment)
    require_name("run", run.name)
    id_ = _log(root, run)
    if find_spec(f"{__package__}.wandb_runs"):
        import_module(".wandb_runs", __package__).log(root, run, id_)
    return id_


def _log(root: Path, run: Run) -> str:
    with store(root) as client:
        from mlflow.entities import Metric, Param, RunTag

        found = client.get_experiment_by_name(run.experiment)
        where = None if server() else files(root).as_uri()
        experiment = (
            found.experiment_id if found else client.create_experiment(run.experiment, where)
        )
        id_ = client.create_run(experiment, run_name=run.name).info.run_id
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in run.metrics.items()]
        client.log_batch(id_, metrics=metrics)
        params = [Param(name, value[:LONGEST]) for name, value in run.params.items()]
        tags = [RunTag(name, value[:LONGEST]) for name, value in run.tags.items()]
        for start in range(0, max(len(params), len(tags)), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            client.log_batch(id_, params=params[part], tags=tags[part])
        for file in run.files:
            folder = file.relative_to(root).parent.as_posix()
            client.log_artifact(id_, str(file), folder)
        client.set_terminated(id_)
    return str(id_)


def recent(root: Path, count: int) -> list[Logged]:
    """The newest runs of every experiment, newest first."""
    with store(root) as client:
        names = {e.experiment_id: e.name for e in client.search_experiments()}
        runs = client.search_runs(
            list(names), max_results=count, order_by=["attributes.start_time DESC"]
        )
    return [
        Logged(
            run.info.run_id,
            run.info.run_name,
            names[run.info.experiment_id],
            datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(),
            run.data.metrics,
        )
        for run in runs
    ]
