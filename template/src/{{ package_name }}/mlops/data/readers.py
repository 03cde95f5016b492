"""Read raw files into tables, as `data.read` in params.yaml says that they are written."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
from pyarrow import csv as pacsv
from pyarrow import json as pajson
from pyarrow import parquet

from ..config import Read
from ..errors import ProjectError
from .cells import clean, plain

EXCEL = (".xlsx", ".xls", ".ods")

BLOCK = 1 << 24
"""Bytes that a file is read by. A row must fit in one: Arrow's own default is a sixteenth."""


def read(path: Path, how: Read) -> pd.DataFrame:
    """Read the table in a file, or in the files of a folder.

    Args:
        path: A file, or a folder whose files have the same columns.
        how: How the files are written; its `names` give columns other names.

    Returns:
        The rows in the order of the files. In a text file every value is text.

    Raises:
        ProjectError: A file is missing, cannot be read, has no rows, a duplicated column, or
            other columns than the first one in its folder.
    """
    files = files_of(path)
    if not files:
        raise ProjectError(f"{path} is a folder without data: `make data` brings it")
    with readable(path):
        tables = [_read_named(file, how) for file in files]
        table = _combine(files, tables)
    # Without this, a boolean column with gaps, or an empty one, would come back as objects.
    dtypes = {pyarrow.bool_(): pd.BooleanDtype(), pyarrow.null(): pd.StringDtype(na_value=np.nan)}
    frame: pd.DataFrame = table.to_pandas(types_mapper=dtypes.get)
    if frame.empty:
        raise ProjectError(f"{path} has a header and no rows")
    return frame


def files_of(path: Path) -> list[Path]:
    """Return the file, or a folder's files in order, without hidden ones and DVC's pointers."""
    if not path.is_dir():
        return [path]
    visible = (file for file in path.iterdir() if not file.name.startswith("."))
    return sorted(file for file in visible if file.suffix != ".dvc")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be read, and quote no value of it.

    Args:
        path: The file or folder, for the message.
    """
    try:
        yield
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: `make data` brings it") from None
    except (pyarrow.ArrowException, OSError, UnicodeError, ValueError) as error:
        # What follows the second colon quotes a row, which may hold what nobody should see.
        reason = re.sub(r"(columns?, got \d+):.*", r"\1", str(error), flags=re.S)
        reason = re.sub(r"(Integer value) \S+", r"\1", reason)
        raise ProjectError(f"{path} cannot be read: {reason}") from None


def read_file(path: Path, how: Read) -> pyarrow.Table:
    """Read one file as it is.

    Args:
        path: A CSV, JSON Lines, Parquet, Excel or OpenDocument file, by its suffix.
        how: How a text file is written.

    Returns:
        Columns with the names and types of the file. What has no types is text, with None
        where a value is missing.

    Raises:
        ProjectError: A CSV file is empty, or a column holds more than one plain value a cell.
    """
    kind = kind_of(path)
    if kind == "parquet":
        return plain(parquet.read_table(path))
    if kind == "json":
        with pyarrow.input_stream(path) as stream:
            return plain(pajson.read_json(stream, pajson.ReadOptions(block_size=BLOCK)))
    if kind == "sheet":
        return clean(read_sheet(path), how)
    return clean(_read_csv(path, how), how)


def kind_of(path: Path) -> str:
    """Return what kind of file it is by its suffix: csv, json, parquet or sheet.

    Args:
        path: The file, compressed or not.
    """
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if suffix in ("parquet", "pq"):
        return "parquet"
    if suffix in ("jsonl", "ndjson", "json"):
        return "json"
    return "sheet" if f".{suffix}" in EXCEL else "csv"


def read_sheet(path: Path) -> pyarrow.Table:
    """Read the first sheet of a workbook, whose first row holds the names.

    Args:
        path: An Excel or OpenDocument file.

    Returns:
        Every cell as a CSV file would have it.
    """
    # Imported here: few projects have workbooks.
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    if not rows:
        return pyarrow.table({})
    header = [_cell_text(name).strip() for name in rows[0]]
    columns = []
    for position in range(len(header)):
        texts = [_cell_text(row[position]) for row in rows[1:]]
        columns.append(pyarrow.chunked_array([pyarrow.array(texts, pyarrow.string())]))
    return pyarrow.Table.from_arrays(columns, header)


def _cell_text(value: object) -> str:
    """A cell as a CSV file would have it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def read_header(path: Path, how: Read) -> tuple[list[str], int]:
    """Read the names of the columns of a CSV file.

    Args:
        path: The file, compressed or not.
        how: How it is written.

    Returns:
        The names, and how many lines of the file they take.

    Raises:
        ProjectError: The file is empty.
    """
    with pyarrow.input_stream(path) as stream:
        start = stream.read(BLOCK).decode(how.encoding, errors="replace")
    # Excel puts a byte order mark before the first name.
    lines = start.removeprefix("\ufeff").splitlines(keepends=True)
    rows = csv.reader(lines, delimiter=how.delimiter, quotechar=how.quote)
    for row in rows:
        if row:
            # Not the number of the row: a quoted name may span several lines.
            return [name.strip() for name in row], rows.line_num
    raise ProjectError(f"{path} cannot be read: it is empty")


def row_finder(path: Path, how: Read, *more: Path) -> Callable[[int], str]:
    """Return a function that says where a row of the table is in its file.

    Args:
        path: What `read` read: a file, or a folder of files.
        how: How the files are written.
        more: What was read, and put behind it.

    Returns:
        It takes the position of a row, from 0. In text and in sheets the names are row 1.
    """
    files = []
    for part in (path, *more):
        files += files_of(part) if part.exists() else [part]

    def find(position: int) -> str:
        left = int(position)
        for file in files:
            # Only where it is needed: a large file takes a while.
            n_rows = read_file(file, how).num_rows if len(files) > 1 else left + 1
            if left < n_rows:
                has_names = kind_of(file) in ("csv", "sheet")
                return f"row {left + 1 + has_names} of {file.name}"
            left -= n_rows
        return f"row {position}"

    return find


def refuse_duplicates(path: Path, header: list[str]) -> None:
    """Refuse two columns of one name: a table would keep only the last.

    Args:
        path: The file, for the message.
        header: The names of its columns.

    Raises:
        ProjectError: A name is duplicated.
    """
    for name, count in Counter(header).items():
        if count > 1:
            raise ProjectError(f"{path} has several columns named {name!r}: rename all but one")


def name_columns(table: pyarrow.Table, how: Read) -> pyarrow.Table:
    """Return the table under the names that `how` gives; a file may use either name."""
    return table.rename_columns([how.names.get(name, name) for name in table.column_names])


def outcomes_last(
    table: pd.DataFrame, raw: type[pa.DataFrameModel], request: type[pa.DataFrameModel]
) -> pd.DataFrame:
    """Move the outcomes behind all other columns, in the order in which RawTable declares them.

    Args:
        table: The raw table.
        raw: The schema of the raw table.
        request: The schema of what is known when a prediction is made: the rest is an outcome.

    Returns:
        The same columns in another order.
    """
    known = request.to_schema().columns
    outcomes = []
    for name in raw.to_schema().columns:
        if name not in known and name in table:
            outcomes.append(name)
    return table[[*table.columns.drop(outcomes), *outcomes]]


def _read_named(path: Path, how: Read) -> pyarrow.Table:
    """One file under the names that `how` gives."""
    table = read_file(path, how)
    refuse_duplicates(path, table.column_names)
    table = name_columns(table, how)
    # The file may have a column under its own name and another under the name that `how` gives.
    refuse_duplicates(path, table.column_names)
    return table


def _combine(files: list[Path], tables: list[pyarrow.Table]) -> pyarrow.Table:
    """The rows of all files, with the columns in the order of the first one."""
    names = tables[0].column_names
    ordered = []
    for file, table in zip(files, tables, strict=True):
        if set(table.column_names) != set(names):
            raise ProjectError(f"{file} has other columns than {files[0]}, in the same folder")
        ordered.append(table.select(names))
    # A typed file may have whole numbers where the next one has decimals.
    return pyarrow.concat_tables(ordered, promote_options="permissive")


def _read_csv(path: Path, how: Read) -> pyarrow.Table:
    header, n_lines = read_header(path, how)
    with pyarrow.input_stream(path) as stream:
        table = pacsv.read_csv(stream, *csv_options(header, n_lines, how))
    return table.rename_columns(header)


def csv_options(
    header: list[str], n_lines: int, how: Read
) -> tuple[pacsv.ReadOptions, pacsv.ParseOptions, pacsv.ConvertOptions]:
    """Return what Arrow has to know of a CSV file; it names the columns by their numbers.

    Args:
        header: The names of the columns.
        n_lines: How many lines of the file they take.
        how: How the file is written.
    """
    # Arrow takes no name twice, so it reads the columns by their numbers.
    numbers = [str(number) for number in range(len(header))]
    reading = pacsv.ReadOptions(
        column_names=numbers,
        skip_rows=n_lines,
        encoding=how.encoding,
        block_size=BLOCK,
        # With threads, an error would not say in which row it is.
        use_threads=False,
    )
    parsing = pacsv.ParseOptions(
        delimiter=how.delimiter, quote_char=how.quote, newlines_in_values=True
    )
    # Left to guess, Arrow would make 7 of the postal code 007.
    converting = pacsv.ConvertOptions(column_types=dict.fromkeys(numbers, pyarrow.string()))
    return reading, parsing, converting
