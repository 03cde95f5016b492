"""The prediction log in PostgreSQL: each file is sent in one transaction, and the table is read."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
from pyarrow import parquet

from ..errors import ProjectError

if TYPE_CHECKING:
    import psycopg

VARIABLE = "PREDICTION_LOG_URL"

TABLE = """
CREATE TABLE prediction_log (
    request_id text NOT NULL,
    row bigint NOT NULL,
    arm text NOT NULL,
    version bigint NOT NULL,
    time timestamptz NOT NULL,
    prediction jsonb,
    probabilities jsonb NOT NULL,
    ids jsonb NOT NULL,
    features jsonb NOT NULL,
    PRIMARY KEY (request_id, row, arm)
)
"""
INDEX = "CREATE INDEX prediction_log_time ON prediction_log (time)"

PLAIN = ("request_id", "row", "arm", "version", "time", "prediction")
"""The columns of the table that the files have too."""

GROUPS = {"probabilities": "probability_", "ids": "id_", "features": "feature_"}
"""The columns of the table that hold what the files have columns of their own for."""

SECONDS = 30
"""Without an answer for so long, the server counts as gone."""

ROWS = 10_000
"""Rows of a file, or of an answer, that are held at once."""


def address() -> str | None:
    """Return where the log is to be sent; None if PREDICTION_LOG_URL is not set.

    Raises:
        ProjectError: It is not an address of PostgreSQL, or psycopg is missing.
    """
    url = os.environ.get(VARIABLE)
    if not url:
        return None
    try:
        from psycopg import ProgrammingError, conninfo
    except ImportError:
        raise ProjectError(f"{VARIABLE} needs psycopg: `uv sync --group postgres`") from None
    # As SQLAlchemy writes it.
    url = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        conninfo.conninfo_to_dict(url)
    except ProgrammingError:
        # Without the message, which quotes the address and the password in it.
        url = ""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ProjectError(f"{VARIABLE} is not an address like postgresql://user@host/database")
    return url


def send(url: str, paths: Iterable[Path]) -> None:
    """Move files of the prediction log into the table, which is made if it is not there.

    Each file is one transaction, and is deleted once that is committed. If it was committed before
    and only the deletion is missing, its rows are known, and are skipped.

    Args:
        url: The address of the database.
        paths: The files.

    Raises:
        ProjectError: The server does not answer or refuses. What was not sent stays.
    """
    with _connected(url) as connection:
        found = connection.execute("SELECT to_regclass('prediction_log')").fetchone()
        # Asked first: whoever may only add rows may not even say CREATE TABLE IF NOT EXISTS.
        if found == (None,):
            with connection.transaction():
                connection.execute(TABLE)
                connection.execute(INDEX)
        for path in paths:
            with connection.transaction():
                _copy(connection, path)
            path.unlink()


def _copy(connection: "psycopg.Connection[Any]", path: Path) -> None:
    """Add the rows of a file to the table, but for those that it has."""
    connection.execute("CREATE TEMPORARY TABLE sent (LIKE prediction_log) ON COMMIT DROP")
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY sent FROM STDIN") as copy,
        parquet.ParquetFile(path) as file,
    ):
        for batch in file.iter_batches(ROWS):
            for row in batch.to_pylist():
                copy.write_row(_record(row))
    connection.execute("INSERT INTO prediction_log SELECT * FROM sent ON CONFLICT DO NOTHING")


def _record(row: dict[str, Any]) -> list[Any]:
    """A row of a file as a row of the table."""
    record = [_plain(row[name]) for name in PLAIN]
    record[-1] = json.dumps(record[-1])
    for prefix in GROUPS.values():
        values = {}
        for name, value in row.items():
            if name.startswith(prefix):
                values[_plain(name.removeprefix(prefix))] = _plain(value)
        record.append(json.dumps(values, default=str))
    return record


def _plain(value: Any) -> Any:
    """A value without what PostgreSQL cannot hold: NUL in a text, infinity in JSON."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if value in (float("inf"), float("-inf")):
        return {"number": str(value)}
    return value


def read(url: str, since: datetime | None) -> pyarrow.Table:
    """Read the table as the files of the log would have it.

    Args:
        url: The address of the database.
        since: Only rows that were answered then or later; None reads all.

    Returns:
        The rows; a moment among ids and features is text.

    Raises:
        ProjectError: The server does not answer or refuses.
    """
    records = []
    with _connected(url) as connection:
        found = connection.execute("SELECT to_regclass('prediction_log')").fetchone()
        if found == (None,):
            return pyarrow.table({})
        answer = connection.execute(
            "SELECT request_id, row, arm, version, time, prediction, probabilities, ids, features"
            " FROM prediction_log WHERE time >= %s",
            [since or "-infinity"],
        )
        for *plain, probabilities, ids, features in answer:
            record = dict(zip(PLAIN, plain, strict=True))
            groups = zip(GROUPS.values(), (probabilities, ids, features), strict=True)
            for prefix, values in groups:
                for name, value in values.items():
                    # Infinity, which is no number in JSON.
                    is_infinite = isinstance(value, dict)
                    record[f"{prefix}{name}"] = float(value["number"]) if is_infinite else value
            records.append(record)
    columns = dict.fromkeys(name for record in records for name in record)
    return pyarrow.table({name: _column(name, records) for name in columns})


def _column(name: str, records: list[dict[str, Any]]) -> pyarrow.Array:
    """One column of the records."""
    values = [record.get(name) for record in records]
    with suppress(pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        return pyarrow.array(values)
    # Two versions of the model gave it different kinds of values.
    return pyarrow.array([None if value is None else str(value) for value in values])


@contextmanager
def _connected(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection; what goes wrong on it is a sentence without the password and without rows."""
    import psycopg

    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=5, tcp_user_timeout=SECONDS * 1000
        ) as connection:
            connection.execute("SET timezone TO 'UTC'")
            yield connection
    except psycopg.Error as error:
        password = psycopg.conninfo.conninfo_to_dict(url).get("password")
        # What the server adds to its first sentence quotes the row.
        reason = error.diag.message_primary or str(error).strip()
        if password:
            reason = reason.replace(str(password), "***")
        raise ProjectError(f"PostgreSQL at {VARIABLE}: {reason}") from None
