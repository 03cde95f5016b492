"""MLflow's client: its SQLite store in models/, or the server that MLFLOW_TRACKING_URI names."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ProjectError

if TYPE_CHECKING:
    import sqlalchemy as sql
    from mlflow import MlflowClient

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
