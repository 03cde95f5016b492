"""The files of the prediction log: written whole, merged and bounded, whenever a process is killed.

A file is written under another name, forced to the disk and renamed, so a name that ends in
`.parquet` is always a whole file. A merged file lists in its own metadata the files that it covers,
and readers ignore those. So between the rename and the last deletion no row is there twice, and
before the rename nothing is missing. Names sort by age.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow
from pyarrow import parquet

from ..errors import ProjectError

MERGE_AT = 60
"""Files of one level and one set of columns that become one file of the next level."""

MERGED_SHARE = 0.1
"""Share of the log's bound that one merged file may take: the oldest file goes as a whole."""

ROW_GROUP = 100_000
"""Rows that a merge holds in memory."""

STALE_SECONDS = 3600
"""Age at which an unfinished file is one of a process that was killed."""

COVERS = b"covers"
"""The key in a merged file's metadata under which it lists the files that it was made of."""


def write_part(folder: Path, table: pyarrow.Table, writer: str) -> Path:
    """Write rows as a file of their own, which is on the disk when this returns.

    Args:
        folder: The log's folder, which is made.
        table: The rows.
        writer: Whoever writes, for whoever looks into the folder.

    Returns:
        The file.
    """

    def fill(file: parquet.ParquetWriter) -> None:
        file.write_table(table)

    folder.mkdir(parents=True, exist_ok=True)
    # No two files have one name, whatever the clock and the process ids of other machines are.
    name = f"{time.time_ns() // 1000:016d}-0-{writer}-{uuid4().hex[:12]}.parquet"
    return _write_whole(folder / name, table.schema, fill)


def live_files(folder: Path) -> list[Path]:
    """Return the files that together have every row once, the oldest first.

    Args:
        folder: The log's folder, in which others may write, merge and delete meanwhile.
    """
    live, _ = _live_and_covered(folder)
    return live


def read_files(folder: Path, condition: list[Any] | None = None) -> list[pyarrow.Table]:
    """Read every row of the log's files once.

    Args:
        folder: The log's folder.
        condition: What must be true of a row, as pyarrow's `filters`; None reads all.

    Returns:
        One table a file, the oldest first.

    Raises:
        ProjectError: A file is not Parquet.
    """
    tables: dict[str, pyarrow.Table] = {}
    while True:
        paths = live_files(folder)
        try:
            for path in paths:
                if path.name not in tables:
                    tables[path.name] = _read(path, condition)
        except FileNotFoundError:
            # It was merged, or sent away, meanwhile. What was read already is not read again.
            continue
        return [tables[path.name] for path in paths]


def remove_leftovers(folder: Path) -> None:
    """Delete what a process that was killed left: merged parts, and unfinished files."""
    _, covered = _live_and_covered(folder)
    for path in covered:
        path.unlink(missing_ok=True)
    oldest = time.time() - STALE_SECONDS
    for path in folder.glob("*.writing"):
        # A file that is finished meanwhile has another name by now.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def merge(folder: Path, max_bytes: float) -> None:
    """Merge small files to larger ones, so that a day is a few files and not 86,400.

    Only one process may do this at a time, while any number may write and read.

    Args:
        folder: The log's folder, without leftovers.
        max_bytes: The bound of the whole log.
    """
    groups: dict[tuple[int, str], list[Path]] = {}
    for path in live_files(folder):
        # Two versions of a model may have features of one name and different types.
        columns = str(_schema(path).remove_metadata())
        groups.setdefault((_level(path.name), columns), []).append(path)
    for paths in groups.values():
        for begin in range(0, len(paths) - MERGE_AT + 1, MERGE_AT):
            merged = paths[begin : begin + MERGE_AT]
            if _size(merged) <= max_bytes * MERGED_SHARE:
                _merge(merged)


def rotate(folder: Path, max_bytes: float) -> int:
    """Delete the oldest files until the log is within its bound; the newest one stays.

    Args:
        folder: The log's folder, without leftovers.
        max_bytes: The bound.

    Returns:
        How many rows went with the files.
    """
    paths = live_files(folder)
    too_many = _size(paths) - max_bytes
    n_rows = 0
    for path in paths[:-1]:
        if too_many <= 0:
            break
        too_many -= path.stat().st_size
        n_rows += parquet.read_metadata(path).num_rows
        path.unlink()
    return n_rows


def _live_and_covered(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files whose rows count, and those that were merged into others; the oldest first."""
    while True:
        found = _file_names(folder)
        covered: set[str] = set()
        try:
            for name in found:
                covered.update(_covered(folder / name))
        except FileNotFoundError:
            continue  # it was merged meanwhile
        # While a folder is listed, a merged file may come too late to be seen, and what it covers
        # may go before it is seen. Then a second list has a merged file more.
        again = _file_names(folder)
        if all(name in found for name in again if _level(name)):
            live = [folder / name for name in found if name not in covered]
            return live, [folder / name for name in found if name in covered]


def _merge(paths: list[Path]) -> None:
    """Make one file of these, which have the same columns, and then delete them."""
    first, _, rest = paths[0].name.split("-", 2)
    name = f"{first}-{_level(paths[0].name) + 1}-{rest}"
    covers = json.dumps([path.name for path in paths])
    schema = _schema(paths[0]).with_metadata({COVERS: covers})

    def fill(file: parquet.ParquetWriter) -> None:
        tables: list[pyarrow.Table] = []
        for path in paths:
            tables.append(parquet.read_table(path).replace_schema_metadata(schema.metadata))
            if sum(len(table) for table in tables) >= ROW_GROUP:
                file.write_table(pyarrow.concat_tables(tables))
                tables.clear()
        if tables:
            file.write_table(pyarrow.concat_tables(tables))

    _write_whole(paths[0].with_name(name), schema, fill)
    for path in paths:
        path.unlink(missing_ok=True)


def _write_whole(
    path: Path, schema: pyarrow.Schema, fill: Callable[[parquet.ParquetWriter], None]
) -> Path:
    """Write a file under another name, force it to the disk, and only then give it its name."""
    unfinished = path.with_suffix(".writing")
    try:
        with unfinished.open("wb") as stream:
            with parquet.ParquetWriter(stream, schema) as file:
                fill(file)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)
    _sync_folder(path.parent)
    return path


def _sync_folder(folder: Path) -> None:
    """Force a new name to the disk, where the system can do that with a folder."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.parquet"))


def _level(name: str) -> int:
    """How often the rows of a file were merged, by its name."""
    parts = name.split("-", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


def _covered(path: Path) -> list[str]:
    """The names of the files that a file was merged of."""
    if _level(path.name) == 0:
        return []
    names: list[str] = json.loads(_schema(path).metadata[COVERS])
    return names


def _schema(path: Path) -> pyarrow.Schema:
    try:
        return parquet.read_schema(path)
    except pyarrow.ArrowInvalid:
        raise _unreadable(path) from None


def _read(path: Path, condition: list[Any] | None) -> pyarrow.Table:
    try:
        # Opened here, since Arrow would list the folder and guess partitions from its name.
        with path.open("rb") as stream:
            return parquet.read_table(stream, filters=condition).replace_schema_metadata()
    except pyarrow.ArrowInvalid:
        raise _unreadable(path) from None


def _unreadable(path: Path) -> ProjectError:
    return ProjectError(f"{path} is no file of the prediction log: move it away")


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
