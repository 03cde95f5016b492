"""Raw files to tables, as `data.read` in params.yaml says that they are written."""

import csv
import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow
from pyarrow import compute as pc
from pyarrow import csv as pacsv
from pyarrow import json as pajson
from pyarrow import parquet

from ..config import Read
from ..errors import ProjectError

MISSING = ("", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
WORDS = dict.fromkeys(("true", "t", "yes", "y", "on", "1", "1.0"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0", "0.0"), False
)
EXCEL = (".xlsx", ".xls", ".ods")
BLOCK = 1 << 24


def read(path: Path, how: Read) -> pd.DataFrame:
    """The table in a file, or in the files of a folder; in a text file every value is text.

    Columns get the names that `how` gives them. ProjectError says why a file cannot be read.
    """
    files = sorted(f for f in path.iterdir() if f.name[0] != ".") if path.is_dir() else [path]
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
    gaps = {pyarrow.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = pyarrow.concat_tables(tables).to_pandas(types_mapper=gaps.get)
    if frame.empty:
        raise ProjectError(f"{path} has a header and no rows")
    return frame


def read_file(path: Path, how: Read) -> pyarrow.Table:
    """One file as it is: text with None where it is missing, or the types of its format."""
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if suffix in ("parquet", "pq"):
        return pyarrow.Table.from_arrays(*_plain(parquet.read_table(path)))
    if suffix in ("jsonl", "ndjson", "json"):
        with pyarrow.input_stream(path) as stream:
            options = pajson.ReadOptions(block_size=BLOCK)
            return pyarrow.Table.from_arrays(*_plain(pajson.read_json(stream, options)))
    if f".{suffix}" in EXCEL:
        return _cleaned(_sheet(path), how)
    header, lines = read_header(path, how)
    with pyarrow.input_stream(path) as stream:
        table = pacsv.read_csv(
            stream,
            pacsv.ReadOptions(
                column_names=[str(n) for n in range(len(header))],
                skip_rows=lines,
                encoding=how.encoding,
                block_size=BLOCK,
                use_threads=False,  # only then an error says in which row it is
            ),
            pacsv.ParseOptions(
                delimiter=how.delimiter, quote_char=how.quote, newlines_in_values=True
            ),
            pacsv.ConvertOptions(
                column_types={str(n): pyarrow.string() for n in range(len(header))}
            ),
        )
    return _cleaned(table.rename_columns(header), how)


def read_header(path: Path, how: Read) -> tuple[list[str], int]:
    """The names in the first line of a CSV file, and how many lines they take."""
    with pyarrow.input_stream(path) as stream:
        first = stream.read(BLOCK).decode(how.encoding, errors="replace").removeprefix("\ufeff")
    rows = csv.reader(first.splitlines(keepends=True), delimiter=how.delimiter, quotechar=how.quote)
    header = next((row for row in rows if row), [])
    if not header:
        raise ProjectError(f"{path} cannot be read: it is empty")
    return [name.strip() for name in header], rows.line_num


def named(table: pyarrow.Table, how: Read) -> pyarrow.Table:
    """The table under the names that `how` gives; a file may use either."""
    return table.rename_columns([how.names.get(name, name) for name in table.column_names])


def typed(table: pd.DataFrame, schema: pa.DataFrameSchema, how: Read) -> pd.DataFrame:
    """`table` with text turned into the types that `schema` declares, outcomes still in place.

    ProjectError names the column, the type and the first row of what is no such thing.
    """
    problems, columns = [], dict(table.items())
    for name, kind, personal in _declared(schema, table):
        present = table[name].dropna()
        if pd.api.types.is_string_dtype(present):
            values = convert(present, kind, how, name)
        elif kind == "integer":
            values = present.where(present % 1 == 0)
        else:
            continue
        wrong = present[values.isna()]
        if len(wrong):
            value = "" if personal else f" with the value {wrong.iloc[0]}"
            problems.append(
                f"{name}: is no {kind} in {len(wrong):,} row(s), "
                f"the first is row {wrong.index[0]}{value}"
            )
        else:
            columns[name] = values.reindex(table.index)
    if problems:
        raise ProjectError("\n  ".join(["the data breaks its types:", *problems]))
    return pd.DataFrame(columns)


def outcomes_last(
    table: pd.DataFrame, raw: type[pa.DataFrameModel], request: type[pa.DataFrameModel]
) -> pd.DataFrame:
    """The table with the columns last that a request does not have, as RawTable declares them."""
    known = request.to_schema().columns
    outcomes = [n for n in raw.to_schema().columns if n not in known and n in table]
    return table[[*table.columns.drop(outcomes), *outcomes]]


def convert(present: pd.Series, kind: str, how: Read, name: str) -> pd.Series:
    """Text as values of a kind; missing where it is no such thing."""
    if kind == "boolean":
        return present.str.lower().map(WORDS).astype("boolean")
    if kind == "date":
        return dates(present, how.dates.get(name, []))
    mark = "." if how.decimal == "," else how.thousands
    if mark:
        # A mark between anything but groups of three is none: 31.12.2025 is no number.
        grouped = present.str.fullmatch(rf"[+-]?\d\d?\d?([{mark}]\d\d\d)+([.,]\d+)?")
        present = present.mask(grouped, present.str.replace(mark, ""))
    if how.decimal == ",":
        present = present.str.replace(",", ".")
    numbers = pd.to_numeric(present, errors="coerce")
    if kind == "number":
        return numbers.astype("float64")
    return numbers.where(numbers % 1 == 0).astype("Int64")


def dates(present: pd.Series, formats: list[str]) -> pd.Series:
    """Text as moments without a zone (UTC), by the first of the formats that fits."""
    found = pd.Series(pd.NaT, index=present.index, dtype="datetime64[us]")
    for form in formats or ["ISO8601"]:
        left = present[found.isna()]
        moments = pd.to_datetime(left, format=form, errors="coerce", utc=True)
        found = found.fillna(moments.dt.tz_localize(None).astype("datetime64[us]"))
    return found


def _declared(schema: pa.DataFrameSchema, table: pd.DataFrame) -> Iterator[tuple[str, str, bool]]:
    """Name, kind and whether it is personal, of each column that holds no text."""
    kinds = {"int": "integer", "uint": "integer", "float": "number"} | {
        "bool": "boolean",
        "boolean": "boolean",
        "datetime": "date",
    }
    for name, column in schema.columns.items():
        stem = re.match("[a-z]*", str(column.dtype).lower())
        kind = kinds.get(stem[0] if stem else "")
        names = [str(c) for c in table if re.fullmatch(name, str(c))] if column.regex else [name]
        personal = bool((column.metadata or {}).get("personal"))
        yield from ((n, kind, personal) for n in names if kind and n in table)


def _cleaned(table: pyarrow.Table, how: Read) -> pyarrow.Table:
    """Text without the space around it, and None for whatever stands for nothing."""
    nothing = pyarrow.array([*MISSING, *how.missing])
    columns = []
    for column in table.columns:
        text = pc.utf8_trim_whitespace(column)
        columns.append(pc.if_else(pc.is_in(text, nothing), None, text))
    return pyarrow.Table.from_arrays(columns, table.column_names)


def _plain(table: pyarrow.Table) -> tuple[list[pyarrow.ChunkedArray], list[str]]:
    """Columns of numbers, booleans, text and moments without a zone, and their names."""
    columns, types = [], pyarrow.types
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type.value_type if types.is_dictionary(column.type) else column.type
        if types.is_decimal(kind):
            kind = pyarrow.float64()
        elif types.is_date(kind) or types.is_timestamp(kind):
            kind = pyarrow.timestamp("us")
        elif types.is_null(kind) or types.is_time(kind):
            kind = pyarrow.string()
        elif types.is_nested(kind) or types.is_binary(kind) or types.is_duration(kind):
            raise ProjectError(f"column {name!r} holds {kind}: one plain value a cell is needed")
        columns.append(column.cast(kind, safe=False))
    return columns, table.column_names


def _sheet(path: Path) -> pyarrow.Table:
    """The first sheet of a workbook, as text; its first row holds the names."""
    from python_calamine import CalamineWorkbook

    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python() or [[]]
    columns = [[_shown(row[n]) for row in rows] for n in range(len(header))]
    arrays = [pyarrow.chunked_array([pyarrow.array(c, pyarrow.string())]) for c in columns]
    return pyarrow.Table.from_arrays(arrays, [_shown(name).strip() for name in header])


def _shown(value: object) -> str:
    """A cell as a CSV file would have it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)
