"""Read a file of any size, a chunk at a time, as `data.read` in params.yaml says it is written."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import csv as pacsv
from pyarrow import json as pajson
from pyarrow import parquet

from ..config import Read
from .cells import clean, plain
from .readers import csv_options, kind_of, read_file, read_header, readable, refuse_duplicates

ROWS = 50_000
"""The most rows in a chunk: what is computed for each takes much more memory than the row."""

BLOCK = 1 << 22
"""Bytes that a text file is read by: a quarter of what `readers` takes, since Arrow reads up to 32
blocks ahead. A row must fit in one.
"""

Part = tuple[pyarrow.Table, float]
"""Some rows of a file, and the share of it that is read."""


class Chunk(NamedTuple):
    """Some rows of a file.

    Attributes:
        first: The number of the first of them in the file, from 0.
        rows: The rows under the names of the project; what the file has as text is text.
        share: The share of the file that is read by now.
    """

    first: int
    rows: pd.DataFrame
    share: float


def column_names(path: Path, how: Read) -> list[str]:
    """Return the columns of a file under the names of the project.

    Args:
        path: Any file that `readers.read` reads. Of JSON lines the first rows are read.
        how: How it is written; its `names` give columns other names.

    Raises:
        ProjectError: The file cannot be read, or has a column twice.
    """
    with readable(path):
        kind = kind_of(path)
        if kind == "parquet":
            names = parquet.read_schema(path).names
        elif kind == "json":
            first = next(_json_tables(path), None)
            names = [] if first is None else first[0].column_names
        elif kind == "sheet":
            names = read_file(path, how).column_names
        else:
            names = read_header(path, how)[0]
    refuse_duplicates(path, names)
    renamed = [how.names.get(name, name) for name in names]
    # The file may have a column under its own name and another under the name that `how` gives.
    refuse_duplicates(path, renamed)
    return renamed


def read_chunks(
    path: Path, how: Read, wanted: Collection[str], row_groups: list[int] | None = None
) -> Iterator[Chunk]:
    """Read some columns of a file, a chunk at a time.

    Args:
        path: Any file that `readers.read` reads.
        how: How it is written; its `names` give columns other names.
        wanted: The columns to read, under the names of the project. One that a chunk of JSON lines
            does not have is missing in each of its rows.
        row_groups: Only these groups of rows of a Parquet file, which follow each other.

    Yields:
        At most `ROWS` rows at a time, in the order of the file; the same file, the same chunks.

    Raises:
        ProjectError: The file cannot be read.
    """
    first = 0
    if row_groups:
        metadata = parquet.read_metadata(path)
        first = sum(metadata.row_group(group).num_rows for group in range(row_groups[0]))
    with readable(path):
        for whole, share in _tables(path, how, wanted, row_groups):
            table = whole.rename_columns([how.names.get(n, n) for n in whole.column_names])
            table = table.select([name for name in table.column_names if name in wanted])
            for start in range(0, len(table), ROWS):
                part = table.slice(start, ROWS)
                yield Chunk(first, _frame(part, wanted), share)
                first += len(part)


def _tables(
    path: Path, how: Read, wanted: Collection[str], row_groups: list[int] | None
) -> Iterator[Part]:
    """The rows of a file under its own names, as `readers.read_file` would give them."""
    kind = kind_of(path)
    if kind == "parquet":
        return _parquet_tables(path, how, wanted, row_groups)
    if kind == "json":
        return _json_tables(path)
    if kind == "sheet":
        return iter([(read_file(path, how), 1.0)])
    return _csv_tables(path, how, wanted)


def _parquet_tables(
    path: Path, how: Read, wanted: Collection[str], row_groups: list[int] | None
) -> Iterator[Part]:
    # A buffer, so that not every column of a group of rows is read as a whole.
    with parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        # What is not read costs nothing, and may hold what no table can.
        names = [n for n in file.schema_arrow.names if how.names.get(n, n) in wanted]
        groups = range(file.num_row_groups) if row_groups is None else row_groups
        n_rows = sum(file.metadata.row_group(group).num_rows for group in groups)
        n_read = 0
        for batch in file.iter_batches(ROWS, row_groups=list(groups), columns=names):
            n_read += len(batch)
            yield plain(pyarrow.Table.from_batches([batch])), n_read / max(1, n_rows)


def _csv_tables(path: Path, how: Read, wanted: Collection[str]) -> Iterator[Part]:
    header, n_lines = read_header(path, how)
    reading, parsing, converting = csv_options(header, n_lines, how)
    numbers = [str(n) for n, name in enumerate(header) if how.names.get(name, name) in wanted]
    converting.include_columns = numbers
    reading.block_size = BLOCK
    n_bytes = path.stat().st_size
    with pyarrow.OSFile(str(path)) as raw, _unpacked(path, raw) as stream:
        for batch in pacsv.open_csv(stream, reading, parsing, converting):
            table = pyarrow.Table.from_batches([batch])
            table = table.rename_columns([header[int(number)] for number in table.column_names])
            yield clean(table, how), min(1.0, raw.tell() / n_bytes)


def _json_tables(path: Path) -> Iterator[Part]:
    """Some lines at a time, each with the columns and types that these lines have."""
    n_bytes = path.stat().st_size
    # Lines are cut here: Arrow's own reader keeps to the types of the first block.
    rest = b""
    with pyarrow.OSFile(str(path)) as raw, _unpacked(path, raw) as stream:
        while block := stream.read(BLOCK):
            lines, newline, after = (rest + block).rpartition(b"\n")
            rest = after
            if lines.strip():
                yield _read_lines(lines + newline), min(1.0, raw.tell() / n_bytes)
    if rest.strip():
        yield _read_lines(rest), 1.0


def _read_lines(lines: bytes) -> pyarrow.Table:
    options = pajson.ReadOptions(block_size=len(lines) + 1, use_threads=False)
    return plain(pajson.read_json(pyarrow.BufferReader(lines), options))


def _unpacked(path: Path, raw: pyarrow.NativeFile) -> pyarrow.NativeFile:
    """The content of a file, which may be compressed."""
    return pyarrow.CompressedInputStream(raw, "gzip") if path.suffix == ".gz" else raw


def _frame(table: pyarrow.Table, wanted: Collection[str]) -> pd.DataFrame:
    """The table for pandas; what it does not have of what is wanted is missing in each row."""
    for name in wanted:
        # Only lines of JSON may lack what other lines of the file have.
        if name not in table.column_names:
            table = table.append_column(name, pyarrow.nulls(len(table)))
    # Whole numbers with gaps stay whole: as decimals, the large ones would change.
    types: dict[pyarrow.DataType, object] = {
        pyarrow.bool_(): pd.BooleanDtype(),
        pyarrow.null(): pd.StringDtype(na_value=np.nan),
    }
    if any(column.null_count and column.type == pyarrow.int64() for column in table.columns):
        types[pyarrow.int64()] = pd.Int64Dtype()
    frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
    return frame
