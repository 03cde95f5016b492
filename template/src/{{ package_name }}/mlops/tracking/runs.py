"""Runs in MLflow, and in Weights & Biases where the project logs there as well.

MLflow's store is SQLite in models/, or the server that MLFLOW_TRACKING_URI names.
"""

import json
import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ProjectError
from . import Logged, Run, Table, as_logged, require_name

if TYPE_CHECKING:
    # MLflow takes a second to import: only `store` does, when it is needed.
    import sqlalchemy as sql
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput
    from mlflow.entities import Run as MlflowRun


BATCH_SIZE = 100
"""Parameters or tags in one request; MLflow refuses more."""

PAGE = 1_000
"""Runs in one answer; some servers give no more at once."""

LONGEST_VALUE = 5_000
"""Characters of a parameter or a tag; MLflow takes 6,000 of the one and 8,000 of the other."""

COMMIT = "mlflow.source.git.commit"
"""The tag with the commit of what a run read, which MLflow shows in a column of its own."""


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


def recent(root: Path, count: int | None, experiment: str = "", query: str = "") -> list[Logged]:
    """Find the newest runs.

    Args:
        root: The project.
        count: How many runs to return at most; None means all.
        experiment: Of this experiment alone; empty means of all.
        query: What they must fulfil, in MLflow's language.

    Returns:
        The runs, newest first.
    """
    with store(root) as client:
        experiments = {}
        for found in client.search_experiments():
            if experiment in ("", found.name):
                experiments[found.experiment_id] = found.name
        newest: list[MlflowRun] = []
        token = None
        while count is None or len(newest) < count:
            size = PAGE if count is None else min(PAGE, count - len(newest))
            order = ["attributes.start_time DESC"]
            page = client.search_runs(list(experiments), query, 1, size, order, token)
            newest += page
            token = page.token
            if not token:
                break
    return [as_logged(run, experiments[run.info.experiment_id]) for run in newest]


def tag(root: Path, run_id: str, key: str, value: str) -> None:
    """Write a tag of a run, over one with that key.

    Args:
        root: The project.
        run_id: The id of the run.
        key: The name of the tag.
        value: Its text.
    """
    with store(root) as client:
        client.set_tag(run_id, key, value)


def _log(root: Path, run: Run) -> str:
    with store(root) as client:
        experiment_id = _experiment(client, root, run.experiment)
        # MLflow counts milliseconds. Until now, so that it shows how long the run took.
        started = int((time.time() - run.seconds) * 1000)
        made = client.create_run(experiment_id, started, run_name=run.name)
        run_id = str(made.info.run_id)
        _log_values(client, run_id, run)
        if run.tables:
            client.log_inputs(run_id, [_dataset(table) for table in run.tables])
        if run.model:
            _log_model(client, experiment_id, run_id, run)
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


def _dataset(table: Table) -> "DatasetInput":
    """A table as MLflow's column of data sets has it."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": table.path.as_posix()})
    found = Dataset(table.path.name, table.md5, source_type="local", source=source)
    return DatasetInput(found, [InputTag("mlflow.data.context", table.step)])


def _log_model(client: "MlflowClient", experiment_id: str, run_id: str, run: Run) -> None:
    """Name the model in MLflow's column of models; DVC and the registry have its files."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    # MLflow takes no point, slash or quotation mark in it.
    name = re.sub(r"[^\w-]", "-", run.model)
    made = client.create_logged_model(experiment_id, name, source_run_id=run_id)
    client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])


DEFAULTS = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # By MLflow's own next two settings, a server that does not answer would cost minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow reads from the environment when it is imported, unless it is set there."""

PASSWORD = re.compile(r"//[^/@\s]+@")
"""A user and a password in an address, which no message may show."""

FILES = "/models/mlruns"
"""How the address of every experiment's files ends, from the project's root."""

ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""The tables and columns of MLflow's database that hold absolute addresses of files."""


def files(root: Path) -> Path:
    """Return the folder that has a folder of files for each run.

    Args:
        root: The project.

    Returns:
        An absolute path.

    Raises:
        ProjectError: A tracking server has the files.
    """
    if server():
        raise ProjectError(
            f"the runs' files are kept by {_where()}: run `mlflow gc` there, or unset "
            "MLFLOW_TRACKING_URI"
        )
    return Path(f"{root.resolve()}{FILES}")


@contextmanager
def store(root: Path) -> Iterator["MlflowClient"]:
    """Open the store.

    Args:
        root: The project.

    Yields:
        MLflow's client.

    Raises:
        ProjectError: The store does not answer, or refuses what was asked of it.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # They are about MLflow's own use of SQLAlchemy.
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            uri = server() or _local(root)
            yield MlflowClient(uri, uri)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise _project_error(error) from None


def server() -> str:
    """Return the address of the tracking server; empty if there is none."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def _project_error(error: Exception) -> ProjectError:
    """One sentence for an error of MLflow's or of its database."""
    message = str(error)
    # So MLflow words it when no request came through, whatever the reason.
    if re.search("failed with (timeout )?exception", message):
        return ProjectError(
            f"{_where()} does not answer: start it, or unset MLFLOW_TRACKING_URI to use "
            "models/mlflow.db"
        )
    first_line = message.partition("\n")[0]
    reason = PASSWORD.sub("//", first_line)
    return ProjectError(f"{_where()} refuses: {reason}")


def _where() -> str:
    address = PASSWORD.sub("//", server())
    return f"the tracking server {address}" if address else "models/mlflow.db"


@cache
def _local(root: Path) -> str:
    """The address of the store in models/, whose addresses are corrected if it was moved."""
    import sqlalchemy as sql

    path = files(root).with_name("mlflow.db")
    path.parent.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{path.as_posix()}"
    # Without a pool no connection stays open beside MLflow's own.
    engine = sql.create_engine(uri, poolclass=sql.NullPool)
    if path.exists() and sql.inspect(engine).has_table("experiments"):
        with engine.begin() as connection:
            _correct_addresses(connection, files(root).as_uri())
    return uri


def _correct_addresses(connection: "sql.Connection", here: str) -> None:
    """Replace the addresses of files in the folder where the project was before.

    MLflow stores absolute addresses; a folder that was moved or copied would read and write the
    files of the old one. Experiments that keep their files elsewhere are left alone.
    """
    import sqlalchemy as sql

    location = sql.column("artifact_location", sql.String)
    query = sql.select(location).select_from(sql.table("experiments")).distinct()
    moved = query.where(location.endswith(FILES), location != here)
    for old in connection.scalars(moved).all():
        for table, column in ADDRESSES:
            cell = sql.column(column, sql.String)
            # SQL counts characters from 1.
            rest = sql.func.substr(cell, len(old) + 1)
            change = sql.update(sql.table(table, cell)).values({column: sql.literal(here) + rest})
            connection.execute(change.where(cell.startswith(old, autoescape=True)))
