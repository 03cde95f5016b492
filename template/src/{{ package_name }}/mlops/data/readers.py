"""Read raw files into tables, as `data.read` in params.yaml says that they are written."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow
from pyarrow import csv as pacsv
from pyarrow import json as pajson
from pyarrow import parquet

from ..config import Read
from ..errors import ProjectError
from .cells import cleaned, plain, read_sheet

TRUE_WORDS = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "off", "0", "0.0")
WORDS = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)
"""The value of each word, in lower case, that may stand in a boolean column."""

EXCEL = (".xlsx", ".xls", ".ods")

BLOCK = 1 << 24
"""Bytes that a file is read by. A row must fit in one: Arrow's own default is a sixteenth."""

KINDS = {
    "int": "integer",
    "uint": "integer",
    "float": "number",
    "bool": "boolean",
    "boolean": "boolean",
    "datetime": "date",
}
"""What a person calls a dtype, by the letters that its name begins with."""


def read(path: Path, how: Read) -> pd.DataFrame:
    """Read the table in a file, or in the files of a folder.

    Args:
        path: A file, or a folder whose files have the same columns.
        how: How the files are written; its `names` give columns other names.

    Returns:
        The rows in the order of the files. In a text file every value is text.

    Raises:
        ProjectError: A file is missing, cannot be read, has no rows, or other columns than the
            first one in its folder.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
    try:
        tables = [named(read_file(file, how), how) for file in files]
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: `make data` brings it") from None
    except (pyarrow.ArrowException, OSError, UnicodeError, ValueError) as error:
        # What follows the second colon quotes a row, which may hold what nobody should see.
        reason = re.sub(r"(columns?, got \d+):.*", r"\1", str(error), flags=re.S)
        raise ProjectError(f"{path} cannot be read: {reason}") from None
    for file, table in zip(files, tables, strict=True):
        if table.column_names != tables[0].column_names:
            raise ProjectError(f"{file} has other columns than {files[0]}, in the same folder")
    # Without this, a boolean column with gaps would come back as Python objects.
    dtypes = {pyarrow.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = pyarrow.concat_tables(tables).to_pandas(types_mapper=dtypes.get)
    if frame.empty:
        raise ProjectError(f"{path} has a header and no rows")
    return frame


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
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if suffix in ("parquet", "pq"):
        return plain(parquet.read_table(path))
    if suffix in ("jsonl", "ndjson", "json"):
        with pyarrow.input_stream(path) as stream:
            return plain(pajson.read_json(stream, pajson.ReadOptions(block_size=BLOCK)))
    if f".{suffix}" in EXCEL:
        return cleaned(read_sheet(path), how)
    return cleaned(_read_csv(path, how), how)


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


def named(table: pyarrow.Table, how: Read) -> pyarrow.Table:
    """Return the table under the names that `how` gives; a file may use either name."""
    return table.rename_columns([how.names.get(name, name) for name in table.column_names])


def typed(table: pd.DataFrame, schema: pa.DataFrameSchema, how: Read) -> pd.DataFrame:
    """Turn text into the types that a schema declares.

    Args:
        table: What `read` returned.
        schema: Declares the types. Columns that it does not have stay as they are.
        how: How numbers and dates are written.

    Returns:
        The table with the same columns, in the same order.

    Raises:
        ProjectError: Lists for each column how many values are not of its type, and the first
            of them; its value too, unless the column is personal.
    """
    problems = []
    columns = dict(table.items())
    for name, declared in _declared(schema, table):
        kind = _kind(declared)
        present = table[name].dropna()
        if kind is None:
            continue
        if pd.api.types.is_string_dtype(present):
            values = convert(present, kind, how, name)
        elif kind == "integer":
            # A column of whole numbers with gaps comes as floats.
            values = present.where(present % 1 == 0)
        else:
            # The file's own format has typed it; the schema validates that type later.
            continue
        wrong = present[values.isna()]
        if wrong.empty:
            columns[name] = values.reindex(table.index)
        else:
            problems.append(_wrong_values(name, kind, wrong, declared))
    if problems:
        raise ProjectError("\n  ".join(["the data breaks its types:", *problems]))
    return pd.DataFrame(columns)


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


def convert(present: pd.Series, kind: str, how: Read, name: str) -> pd.Series:
    """Turn text into values of one kind.

    Args:
        present: The texts of a column that are not missing.
        kind: One of the values of KINDS.
        how: How numbers and dates are written.
        name: The column's name, by which `how` has formats of dates.

    Returns:
        The values under the same index; missing where the text is not of that kind.
    """
    if kind == "boolean":
        return present.str.lower().map(WORDS).astype("boolean")
    if kind == "date":
        return dates(present, how.dates.get(name, []))
    numbers = pd.to_numeric(_with_decimal_points(present, how), errors="coerce")
    if kind == "number":
        return numbers.astype("float64")
    return numbers.where(numbers % 1 == 0).astype("Int64")


def dates(present: pd.Series, formats: list[str]) -> pd.Series:
    """Turn text into moments without a zone, in UTC.

    Args:
        present: The texts of a column that are not missing.
        formats: Formats as strptime has them; each value takes the first that fits it. None
            means ISO 8601.

    Returns:
        The moments under the same index; missing where no format fits.
    """
    found = pd.Series(pd.NaT, index=present.index, dtype="datetime64[us]")
    for form in formats or ["ISO8601"]:
        unread = present[found.isna()]
        moments = pd.to_datetime(unread, format=form, errors="coerce", utc=True)
        found = found.fillna(moments.dt.tz_localize(None).astype("datetime64[us]"))
    return found


def _read_csv(path: Path, how: Read) -> pyarrow.Table:
    header, n_lines = read_header(path, how)
    # Arrow takes no name twice, so it reads the columns by their numbers.
    numbers = [str(number) for number in range(len(header))]
    with pyarrow.input_stream(path) as stream:
        table = pacsv.read_csv(
            stream,
            pacsv.ReadOptions(
                column_names=numbers,
                skip_rows=n_lines,
                encoding=how.encoding,
                block_size=BLOCK,
                # With threads, an error would not say in which row it is.
                use_threads=False,
            ),
            pacsv.ParseOptions(
                delimiter=how.delimiter, quote_char=how.quote, newlines_in_values=True
            ),
            # Left to guess, Arrow would make 7 of the postal code 007.
            pacsv.ConvertOptions(column_types=dict.fromkeys(numbers, pyarrow.string())),
        )
    return table.rename_columns(header)


def _with_decimal_points(present: pd.Series, how: Read) -> pd.Series:
    """Numbers as Python writes them: no marks between thousands, a point before decimals."""
    mark = "." if how.decimal == "," else how.thousands
    if mark:
        # A mark between anything but groups of three is none: 31.12.2025 is not a number.
        grouped = present.str.fullmatch(rf"[+-]?\d\d?\d?([{mark}]\d\d\d)+([.,]\d+)?")
        present = present.mask(grouped, present.str.replace(mark, ""))
    if how.decimal == ",":
        present = present.str.replace(",", ".")
    return present


def _declared(schema: pa.DataFrameSchema, table: pd.DataFrame) -> Iterator[tuple[str, pa.Column]]:
    """Each column of the table that the schema declares, by itself or as one of a family."""
    for declared, column in schema.columns.items():
        if not column.regex and declared in table:
            yield declared, column
        if column.regex:
            for name in table.columns.astype(str):
                if re.fullmatch(declared, name):
                    yield name, column


def _kind(declared: pa.Column) -> str | None:
    """What a person calls the dtype of a column; None for text and categories."""
    letters = re.match("[a-z]*", str(declared.dtype).lower())
    return KINDS.get(letters[0] if letters else "")


def _wrong_values(name: str, kind: str, wrong: pd.Series, declared: pa.Column) -> str:
    """One line about the values of a column that are not of its kind."""
    article = "an" if kind == "integer" else "a"
    sentence = f"{name}: is not {article} {kind} in {len(wrong):,} row(s)"
    sentence += f", the first is row {wrong.index[0]}"
    if (declared.metadata or {}).get("personal"):
        return sentence
    return f"{sentence} with the value {wrong.iloc[0]}"
