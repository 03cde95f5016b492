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
    from mlflow import MlflowClient

DEFAULTS = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # MLflow's own would wait for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow reads from the environment when it is imported, unless it is set there."""

PASSWORD = re.compile(r"//[^/@\s]+@")  # an address may hold one: no message does
OURS = "/models/mlruns"
"""How the address of every experiment's files ends, from the project's root."""

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's tables hold absolute addresses of files."""


def files(root: Path) -> Path:
    """The folder with a folder of files for each run; ProjectError if a server has them."""
    if server():
        raise ProjectError(
            f"the runs' files lie with {_where()}: run `mlflow gc` there, or unset "
            "MLFLOW_TRACKING_URI"
        )
    return Path(f"{root.resolve()}{OURS}")


@contextmanager
def store(root: Path) -> Iterator["MlflowClient"]:
    """MLflow's client; ProjectError if the store does not answer, or refuses."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own use of SQLAlchemy
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            uri = server() or _local(root)
            yield MlflowClient(uri, uri)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            if re.search("failed with (timeout )?exception", str(error)):
                raise ProjectError(
                    f"{_where()} does not answer: start it, or unset MLFLOW_TRACKING_URI to use "
                    "models/mlflow.db"
                ) from None
            reason = PASSWORD.sub("//", str(error).partition("\n")[0])
            raise ProjectError(f"{_where()} refuses: {reason}") from None


def server() -> str:
    """Return the address of the tracking server; empty if there is none."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def _where() -> str:
    address = PASSWORD.sub("//", server())
    return f"the tracking server {address}" if address else "models/mlflow.db"


@cache
def _local(root: Path) -> str:
    """The address of the store in models/, which is told if it was moved with its folder."""
    import sqlalchemy as sql

    here = files(root).as_uri()
    path = files(root).with_name("mlflow.db")
    path.parent.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{path.as_posix()}"
    engine = sql.create_engine(uri, poolclass=sql.NullPool)
    if path.exists() and sql.inspect(engine).has_table("experiments"):
        place = sql.column("artifact_location", sql.String)
        query = sql.select(place).select_from(sql.table("experiments")).distinct()
        with engine.begin() as connection:
            for old in connection.scalars(query.where(place.endswith(OURS), place != here)).all():
                for name, field in PLACES:
                    cell = sql.column(field, sql.String)
                    moved = sql.literal(here) + sql.func.substr(cell, len(old) + 1)
                    change = sql.update(sql.table(name, cell)).values({field: moved})
                    connection.execute(change.where(cell.startswith(old, autoescape=True)))
    return uri
