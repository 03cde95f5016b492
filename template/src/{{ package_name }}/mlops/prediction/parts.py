"""An output that is written in parts, so that a run that was interrupted goes on where it was.

Each chunk of the input becomes one part, which is there as a whole or not at all. At the end the
parts become the output, and the rows that broke a rule its rejects.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
from filelock import FileLock, Timeout
from pyarrow import csv as pacsv
from pyarrow import parquet

from ..errors import ProjectError
from ..tracking import write_json
from .scoring import Scored

SUFFIXES = (".parquet", ".pq", ".csv")
"""How the name of an output ends."""

PART = re.compile(r"\d{6}-\d{12}-\d+\.parquet")
"""The names of parts: the position of the file, the first row, the number of rows."""

FORM = 2
"""Of what a part holds: a run that another version of this code began is not gone on with."""

COMPLETE = "complete"
"""A file in the folder of parts once the output is made of them: then they are leftovers."""

CHANGES = {
    "input": "its input",
    "model": "the model",
    "settings": "params.yaml, the engine or a library",
}
"""What must be the same for a run to go on."""


class Done(NamedTuple):
    """A chunk of a file that was predicted.

    Attributes:
        file: The position of the file among those of the input.
        first: The number of its first row in the file.
        n_rows: The number of its rows, sound or not.
        scored: What became of them, by their position in the chunk.
        share: The share of the file that is read by now.
    """

    file: int
    first: int
    n_rows: int
    scored: Scored
    share: float


class Totals(NamedTuple):
    """What an output came to: the rows that were read, predicted and rejected."""

    read: int
    predicted: int
    rejected: int


def rejects_of(out: Path) -> Path:
    """Return where the rows that broke a rule go: scores.rejects.parquet for scores.parquet."""
    return out.with_name(f"{out.stem}.rejects{out.suffix}")


class Parts:
    """The parts of one output, in a folder beside it."""

    def __init__(self, out: Path, facts: dict[str, Any]) -> None:
        """Begin a run, or go on with one that was interrupted.

        Args:
            out: The output.
            facts: What must be the same for a run to go on; its keys are those of CHANGES.

        Raises:
            ProjectError: Another run than this one was interrupted here.
        """
        self.out = out
        self.folder = folder_of(out)
        state = self.folder / "run.json"
        self._names = set()
        if self.folder.is_dir():
            self._names = {path.name for path in self.folder.iterdir() if PART.fullmatch(path.name)}
        # Without a part there is nothing that another input or model could be mixed with.
        if not self._names:
            self.folder.mkdir(exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
            started = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(state, facts | {"started": started})
        recorded = loads(state.read_text(encoding="utf-8"))
        self.started: str = recorded["started"]
        for key, what in CHANGES.items():
            if recorded[key] != facts[key]:
                raise ProjectError(
                    f"{self.folder} holds a run that was interrupted, and {what} changed since: "
                    "remove that folder to start again, or name another OUT="
                )
        self.n_resumed = self.n_rows

    @property
    def n_rows(self) -> int:
        """The rows that were read until now, sound or not."""
        return sum(_n_rows(name) for name in self._names)

    @property
    def moment(self) -> pyarrow.Scalar:
        """When the run began, before it was interrupted if it was."""
        return pyarrow.scalar(datetime.fromisoformat(self.started), pyarrow.timestamp("s", "UTC"))

    def has(self, file: int, first: int, n_rows: int) -> bool:
        """Return whether a chunk was predicted before the run was interrupted."""
        return _name(file, first, n_rows) in self._names

    def has_begun(self, file: int, first: int) -> bool:
        """Return whether there is a part that begins with this row."""
        start = _name(file, first, 0).removesuffix("0.parquet")
        return any(name.startswith(start) for name in self._names)

    def write(self, done: Done, file_name: str | None, where: Callable[[int], str]) -> None:
        """Write what became of a chunk.

        Args:
            done: The chunk.
            file_name: The name of its file where the input is a folder.
            where: Says where in the file a row is, as messages about the data do.
        """
        name = _name(done.file, done.first, done.n_rows)
        predictions, faults = done.scored
        table = pyarrow.Table.from_pandas(predictions, preserve_index=False)
        rows = pyarrow.array(predictions.index + done.first, pyarrow.int64())
        table = table.add_column(0, "row", rows)
        numbers = [done.first + fault.row for fault in faults]
        rejected = pyarrow.table(
            {
                "row": pyarrow.array(numbers, pyarrow.int64()),
                "where": pyarrow.array(map(where, numbers), pyarrow.string()),
                "column": pyarrow.array([fault.column for fault in faults], pyarrow.string()),
                "rule": pyarrow.array([fault.rule for fault in faults], pyarrow.string()),
                "value": pyarrow.array([fault.value for fault in faults], pyarrow.string()),
            }
        )
        # The part itself comes last: a chunk counts once it is there.
        self._write(rejected, file_name, f"{name}.rejects")
        self._write(table, file_name, name)
        self._names.add(name)

    def _write(self, table: pyarrow.Table, file_name: str | None, name: str) -> None:
        """Write a table as a whole or not at all."""
        if file_name is not None:
            table = table.add_column(0, "file", pyarrow.repeat(file_name, len(table)))
        unfinished = self.folder / f".{name}"
        parquet.write_table(table, unfinished)
        os.replace(unfinished, self.folder / name)

    def finish(self, columns: dict[str, pyarrow.Scalar], facts: dict[str, str]) -> Totals:
        """Make the output and its rejects of the parts, and take these away.

        Args:
            columns: The same value for each row of the output, by the name of its column.
            facts: What a Parquet file says about itself.

        Returns:
            How many rows were read, predicted and rejected.
        """
        names = sorted(self._names)
        parts = [self.folder / name for name in names]
        rejects = [self.folder / f"{name}.rejects" for name in names]
        n_faults = _merge(rejects, self.folder / "rejects", self.out.suffix, {}, facts)
        n_predicted = _merge(parts, self.folder / "out", self.out.suffix, columns, facts)
        if n_faults:
            os.replace(self.folder / "rejects", rejects_of(self.out))
        # From here on the folder holds nothing that the output does not.
        (self.folder / COMPLETE).touch()
        os.replace(self.folder / "out", self.out)
        shutil.rmtree(self.folder)
        n_read = sum(_n_rows(name) for name in names)
        return Totals(n_read, n_predicted, n_read - n_predicted)

    def give_up(self) -> None:
        """Take away what was done: its input cannot be read to the end."""
        shutil.rmtree(self.folder)


def folder_of(out: Path) -> Path:
    """Return where the parts of an output are."""
    return out.with_name(f"{out.name}.parts")


@contextmanager
def reserved(out: Path) -> Iterator[None]:
    """Keep an output for this process, and demand that there is none yet.

    Args:
        out: The output.

    Raises:
        ProjectError: Its name ends in no format, it is there, or another process writes it.
    """
    if out.suffix not in SUFFIXES:
        raise ProjectError(
            f"OUT={out} ends in none of {', '.join(SUFFIXES)}: name a file that does"
        )
    if not out.parent.is_dir():
        raise ProjectError(f"OUT={out}: {out.parent} is no folder")
    lock = FileLock(out.with_name(f".{out.name}.lock"), timeout=0)
    try:
        with lock:
            try:
                _require_free(out)
                yield
            finally:
                # What is locked is the file that is open, whatever became of its name.
                with suppress(OSError):
                    Path(lock.lock_file).unlink()
    except Timeout:
        raise ProjectError(f"another run writes {out}: wait for its end") from None


def _require_free(out: Path) -> None:
    """Refuse to write over an output; what an interrupted run left beside it is no output."""
    folder = folder_of(out)
    if out.exists() and (folder / COMPLETE).exists():
        shutil.rmtree(folder)
    # The rejects get their name first, so they may be there before the output is.
    taken = [out]
    if not folder.exists():
        taken.append(rejects_of(out))
    for path in taken:
        if path.exists():
            raise ProjectError(f"{path} is there already: name another OUT=, or remove it")


def _name(file: int, first: int, n_rows: int) -> str:
    """The name of a part, by which parts are in the order of the input."""
    return f"{file:06d}-{first:012d}-{n_rows}.parquet"


def _n_rows(name: str) -> int:
    return int(name.removesuffix(".parquet").rpartition("-")[2])


def _merge(
    parts: list[Path], target: Path, suffix: str, columns: dict[str, Any], facts: dict[str, str]
) -> int:
    """Write the rows of all parts into one file, and return their number."""
    schemas: list[pyarrow.Schema] = []
    for part in parts:
        schema = parquet.read_schema(part).remove_metadata()
        # A part without rows does not know the types of its columns.
        if parquet.read_metadata(part).num_rows or not schemas:
            schemas.append(schema)
    # A chunk may have no decimals where the next one has some, or nothing at all.
    merged = pyarrow.unify_schemas(schemas, promote_options="permissive")
    schema = merged
    for name, value in columns.items():
        schema = schema.append(pyarrow.field(name, value.type))
    n_rows = 0
    with _writer(target, suffix, schema.with_metadata(facts)) as writer:
        for part in parts:
            table = parquet.read_table(part)
            if not len(table):
                continue
            table = table.cast(merged)
            for name, value in columns.items():
                table = table.append_column(name, pyarrow.repeat(value, len(table)))
            writer.write_table(table.cast(schema.with_metadata(facts)))
            n_rows += len(table)
    return n_rows


def _writer(target: Path, suffix: str, schema: pyarrow.Schema) -> Any:
    if suffix == ".csv":
        return pacsv.CSVWriter(target, schema)
    return parquet.ParquetWriter(target, schema)
