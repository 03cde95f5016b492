"""Turn the cells of a file into plain values: text, numbers, booleans, moments without a zone."""

from datetime import date, time
from pathlib import Path

import pyarrow
from pyarrow import compute as pc

from ..config import Read
from ..errors import ProjectError

MISSING = ("", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
"""What stands for a missing value in a text file: most of what pandas takes for one."""


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


def cleaned(table: pyarrow.Table, how: Read) -> pyarrow.Table:
    """Take the space around each text away.

    Args:
        table: Columns of text.
        how: Its `missing` adds to what stands for a missing value.

    Returns:
        The same columns, with None for whatever stands for a missing value.
    """
    missing = pyarrow.array([*MISSING, *how.missing])
    columns = []
    for column in table.columns:
        text = pc.utf8_trim_whitespace(column)
        columns.append(pc.if_else(pc.is_in(text, missing), None, text))
    return pyarrow.Table.from_arrays(columns, table.column_names)


def plain(table: pyarrow.Table) -> pyarrow.Table:
    """Bring the types of a file format to those that every format has.

    Args:
        table: Columns of any type that Arrow knows.

    Returns:
        The same columns as numbers, booleans, text and moments without a zone, in UTC.

    Raises:
        ProjectError: A cell holds more than one plain value.
    """
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        columns.append(column.cast(_plain_type(name, column.type), safe=False))
    return pyarrow.Table.from_arrays(columns, table.column_names)


def _plain_type(name: str, kind: pyarrow.DataType) -> pyarrow.DataType:
    """The type that a column of this type is cast to."""
    types = pyarrow.types
    # Categories are what they stand for.
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_decimal(kind):
        return pyarrow.float64()
    if types.is_date(kind) or types.is_timestamp(kind):
        return pyarrow.timestamp("us")
    if types.is_null(kind) or types.is_time(kind):
        return pyarrow.string()
    if types.is_nested(kind) or types.is_binary(kind) or types.is_duration(kind):
        raise ProjectError(f"column {name!r} holds {kind}: one plain value a cell is needed")
    return kind
