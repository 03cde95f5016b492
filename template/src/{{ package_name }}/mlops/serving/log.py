"""The prediction log: what was answered, by which version, and from which features.

`append` only puts a batch into a list. One thread writes what is there every `serving.log_seconds`,
or sooner where much is waiting, as a new file; another merges files, sends them to PostgreSQL and
keeps the log within `serving.log_mb`. A process that is killed loses what it did not write yet, so
about `log_seconds` of rows; what was written is there once, until the log reaches its bound.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pandas as pd
import pyarrow
from filelock import FileLock, Timeout

from ..config import Config
from ..errors import ProjectError
from . import log_files, postgres
from .logged import COLUMNS, KEY, Logged, as_table, combined, is_private, same_layout

FOLDER = Path("data", "feedback", "predictions")
"""Where the log is, from the project's root."""

ROWS_AT_ONCE = 10_000
"""Waiting rows that are written before the time is up."""

MAX_WAITING = 200_000
"""Rows in memory from which on `append` waits for the disk, for half the time of a request."""

FULL = f"{MAX_WAITING:,} rows wait already, since the log cannot be written"

CONVERT_SECONDS = 0.25
"""Between two conversions of waiting rows: of a few, since answers wait meanwhile."""

TIDY_SECONDS = 10
"""Between two merges, times `serving.log_seconds`."""

LOGGER = logging.getLogger(__name__)


class PredictionLog:
    """Writes what a process answered. One in each process; all write into the same folder."""

    def __init__(self, root: Path, config: Config, writer: str) -> None:
        """Start the threads that write.

        Args:
            root: The project's folder.
            config: The project's settings.
            writer: A name for this process, such as `v3-4711`; letters, digits and dashes.

        Raises:
            ProjectError: PREDICTION_LOG_URL is set, and is not an address of PostgreSQL or needs
                a package that is missing. A server that does not answer is no error.
        """
        self._url = postgres.address()
        self._folder = root / FOLDER
        self._config = config
        self._writer = writer
        self._private: dict[str, bool] = {}
        self._seconds = config.serving.log_seconds
        self._max_bytes = config.serving.log_mb * 1e6
        self._longest_wait = config.serving.timeout_seconds / 2
        self._changed = threading.Condition()
        self._batches: list[Logged] = []
        self._n_appended = 0
        self._n_written = 0
        self._n_dropped = 0
        self._is_urgent = False
        self._is_closed = False
        self._problems: dict[str, str] = {}
        self._ends = threading.Event()
        self._threads = []
        for work in (self._write_for_ever, self._tidy_for_ever):
            thread = threading.Thread(target=work, name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    @property
    def problem(self) -> str | None:
        """Why rows are not written or not sent at the moment; None if all is well."""
        return "; ".join([*self._problems.values()]) or None

    def append(self, batch: Logged) -> None:
        """Take a batch, without waiting for the disk unless 200,000 rows wait for it.

        If the disk is full for too long, the batch is dropped: else no request were answered.

        Args:
            batch: Answered rows.

        Raises:
            ProjectError: The log was closed.
        """
        with self._changed:
            was_full = self._problems.get("dropped") == FULL
            patience = 0 if was_full else self._longest_wait
            has_room = self._changed.wait_for(
                lambda: self._n_waiting < MAX_WAITING or self._is_closed, patience
            )
            if self._is_closed:
                raise ProjectError("the prediction log is closed: it takes no more rows")
            self._n_appended += len(batch.request_ids)
            if not has_room:
                self._drop(len(batch.request_ids), FULL)
                return
            if was_full:
                del self._problems["dropped"]
            self._batches.append(batch)
            # The thread sleeps until there is something, and then until the time is up.
            if len(self._batches) == 1 or self._n_waiting >= ROWS_AT_ONCE:
                self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything that was appended is on the disk, but for what was dropped.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether it is.
        """
        with self._changed:
            n_rows = self._n_appended
            self._is_urgent = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._n_written >= n_rows, timeout)

    def close(self) -> None:
        """Write what waits, and end the threads.

        Raises:
            ProjectError: Rows could not be written.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        writing, tidying = self._threads
        writing.join()
        self._ends.set()
        # It may wait for a server that is gone; what is on the disk is sent by whoever comes next.
        tidying.join(TIDY_SECONDS)
        n_lost = self._n_waiting + self._n_dropped
        if n_lost:
            raise ProjectError(f"{n_lost:,} predictions are not logged: {self.problem}")

    @property
    def _n_waiting(self) -> int:
        """Rows that are in memory alone."""
        return self._n_appended - self._n_written

    def _write_for_ever(self) -> None:
        """Write what waits, again and again; end once the log is closed."""
        while self._wait_for_rows():
            for tables in self._collect().values():
                n_rows = sum(len(table) for table in tables)
                table = self._convert(partial(combined, tables), n_rows)
                if table is not None and not self._write(table):
                    return

    def _wait_for_rows(self) -> bool:
        """Sleep until there is something to write; False if nothing can come any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._is_closed)
            return bool(self._batches)

    def _collect(self) -> dict[tuple[Any, ...], list[pyarrow.Table]]:
        """The rows that come until it is time to write, by the layout of their batches."""
        end = monotonic() + self._seconds
        pause = min(self._seconds, CONVERT_SECONDS)
        found: dict[tuple[Any, ...], list[pyarrow.Table]] = {}
        is_due = False
        while not is_due:
            with self._changed:
                is_due = self._changed.wait_for(self._must_write, pause) or monotonic() >= end
                batches = self._batches
                self._batches = []
                if is_due:
                    self._is_urgent = False
            for group in same_layout(batches):
                n_rows = sum(len(batch.request_ids) for batch in group)
                table = self._convert(partial(as_table, group, self._is_private), n_rows)
                if table is not None:
                    found.setdefault(group[0].layout, []).append(table)
        return found

    def _must_write(self) -> bool:
        return self._is_closed or self._is_urgent or self._n_waiting >= ROWS_AT_ONCE

    def _convert(self, make: Callable[[], pyarrow.Table], n_rows: int) -> pyarrow.Table | None:
        """A table of rows; None if they have none, which another try would not change."""
        try:
            return make()
        except Exception as error:
            # No more than the kind of error: a message may quote a value.
            self._drop(n_rows, f"a table cannot be made of them: {type(error).__name__}")
            return None

    def _drop(self, n_rows: int, reason: str) -> None:
        """Give rows up, so that those that come later are logged."""
        self._n_dropped += n_rows
        if self._problems.get("dropped") != reason:
            LOGGER.error("rows are not logged: %s", reason)
        self._problems["dropped"] = reason
        self._count_written(n_rows)

    def _write(self, table: pyarrow.Table) -> bool:
        """Write a table as one file, and try until that works; False if the log closed first."""
        while True:
            write = partial(log_files.write_part, self._folder, table, self._writer)
            if self._attempt("writing", write):
                self._count_written(len(table))
                return True
            with self._changed:
                if self._changed.wait_for(lambda: self._is_closed, self._seconds):
                    return False

    def _count_written(self, n_rows: int) -> None:
        """Rows that nobody has to wait for any more."""
        with self._changed:
            self._n_written += n_rows
            self._changed.notify_all()

    def _is_private(self, name: str) -> bool:
        # Remembered: the schema is made anew for each question.
        if name not in self._private:
            self._private[name] = is_private(self._config, name)
        return self._private[name]

    def _tidy_for_ever(self) -> None:
        """Tidy again and again, and once more at the end."""
        is_last = False
        while not is_last:
            is_last = self._ends.wait(TIDY_SECONDS * self._seconds)
            self._attempt("tidying", self._tidy)

    def _tidy(self) -> None:
        """Send, merge and bound the files of all processes, unless another one is at it."""
        if not self._folder.exists():
            return  # nothing was written yet
        try:
            with FileLock(self._folder / ".lock", timeout=0):
                log_files.remove_leftovers(self._folder)
                if self._url:
                    self._attempt("sending", self._send)
                log_files.merge(self._folder, self._max_bytes)
                n_lost = log_files.rotate(self._folder, self._max_bytes)
        except Timeout:
            return
        if n_lost and self._url:
            LOGGER.error("%s rows were never sent: the log reached serving.log_mb", n_lost)

    def _send(self) -> None:
        """Move every file to PostgreSQL."""
        paths = log_files.live_files(self._folder)
        if self._url and paths:
            postgres.send(self._url, paths)

    def _attempt(self, task: str, work: Callable[[], object]) -> bool:
        """Do something that is tried again later if it fails; the first failure is logged."""
        try:
            work()
        # Whatever it is: a thread that ends would lose every row that comes after.
        except Exception as error:
            # Others may quote a value, and no row is ever written into the service's log.
            is_plain = isinstance(error, OSError | ProjectError)
            reason = (
                f"{task} the prediction log fails: {error if is_plain else type(error).__name__}"
            )
            if self._problems.get(task) != reason:
                LOGGER.error("%s", reason)
            self._problems[task] = reason
            return False
        if self._problems.pop(task, None):
            LOGGER.info("%s the prediction log works again", task)
        return True


def read_log(root: Path, since: datetime | None = None) -> pd.DataFrame:
    """Read the prediction log: from its files, and from PostgreSQL if PREDICTION_LOG_URL is set.

    Args:
        root: The project's folder. Processes may go on writing.
        since: Only rows that were answered then or later, in a time zone; None reads all.

    Returns:
        One row for each row of a request and each arm that answered it: the columns of COLUMNS,
        `prediction`, `probability_<class>`, `id_<column>` and `feature_<name>`, ordered by time.
        A column that a version did not have is empty there. Of a request id that a client used
        twice, the first answer counts.

    Raises:
        ProjectError: A file cannot be read, or PostgreSQL does not answer.
    """
    condition = [("time", ">=", since)] if since else None
    # Files first: one that is sent meanwhile is then found in the table as well, not in neither.
    tables = log_files.read_files(root / FOLDER, condition)
    url = postgres.address()
    if url:
        tables.insert(0, postgres.read(url, since))
    empty = pyarrow.schema(COLUMNS).empty_table()
    rows: pd.DataFrame = combined([empty, *tables]).to_pandas()
    rows = rows.sort_values("time", kind="stable", ignore_index=True)
    return rows.drop_duplicates(KEY, ignore_index=True)
