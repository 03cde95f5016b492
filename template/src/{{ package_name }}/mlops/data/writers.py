"""Write rows in the form that a raw file has, so that `data.read` in params.yaml fits them too."""

import csv
import gzip
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow
from pandas.api import types
from pyarrow import parquet

from ..config import Read
from ..errors import ProjectError
from .readers import kind_of, read_file, read_header

ISO = "ISO8601"
"""What `data.read.dates` calls the usual format; strptime has no word for it."""


def write_rows(rows: pd.DataFrame, path: Path, how: Read, behind: Path | None = None) -> None:
    """Write rows to a file.

    Args:
        rows: Columns under the names of the project. Text is written as it is; numbers, booleans
            and dates as `how` says that they are written.
        path: Its suffix says which kind of file it is.
        how: How a text file is written.
        behind: A file of the same kind. Its content comes first, and the rows follow under its
            names and in its order of columns.

    Raises:
        ProjectError: It is a workbook, or its form cannot hold these values.
    """
    kind = kind_of(path)
    rows = rows.reset_index(drop=True)
    if kind == "sheet":
        raise ProjectError(
            f"{path.name} is a workbook, to which no rows can be appended: save all rows as CSV "
            "and run `make wire` with REPLACE=yes"
        )
    if kind == "parquet":
        _write_parquet(rows, path, how, behind)
        return
    encoding = how.encoding if kind == "csv" else "utf-8"
    text = _text_of(behind, encoding) if behind else ""
    text += _csv_lines(rows, how, behind, text) if kind == "csv" else _json_lines(rows, how, behind)
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise ProjectError(f"{path.name} is written in {encoding}, which lacks a letter") from error
    if path.suffix == ".gz":
        # Without the time of day, so that the same rows give the same file.
        content = gzip.compress(content, mtime=0)
    path.write_bytes(content)


def _text_of(path: Path, encoding: str) -> str:
    """The text of a file, compressed or not, with a line end behind its last line."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    text = content.decode(encoding)
    if text.endswith(("\n", "\r")):
        return text
    return text + _line_end(text)


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _own_names(columns: list[str], how: Read) -> dict[str, str]:
    """What a file calls each column of the project."""
    return {how.names.get(name, name): name for name in columns}


def _csv_lines(rows: pd.DataFrame, how: Read, behind: Path | None, text: str) -> str:
    lines = io.StringIO()
    writer = csv.writer(
        lines, delimiter=how.delimiter, quotechar=how.quote, lineterminator=_line_end(text)
    )
    names = list(rows.columns)
    if behind:
        names = list(_own_names(read_header(behind, how)[0], how))
    else:
        writer.writerow(names)
    columns = [_cells(rows[name], how, name) for name in names]
    writer.writerows(zip(*columns, strict=True))
    return lines.getvalue()


def _cells(values: pd.Series, how: Read, name: str) -> list[str]:
    """The values of a column as a text file has them; nothing where one is missing."""
    present = values.dropna()
    if types.is_bool_dtype(present):
        texts = present.map({True: "true", False: "false"})
    elif types.is_datetime64_any_dtype(present):
        texts = _dates(present, how, name)
    elif types.is_integer_dtype(present):
        texts = present.astype(str)
    elif types.is_numeric_dtype(present):
        mark, _ = how.marks(name)
        # The shortest text that is read back as the same number.
        texts = present.map(lambda number: repr(float(number)).replace(".", mark))
    else:
        texts = present.astype(str)
    return texts.astype(object).reindex(values.index, fill_value="").tolist()


def _dates(present: pd.Series, how: Read, name: str) -> pd.Series:
    """Moments in the format that the column has, else as ISO 8601 has them."""
    is_midnight = bool((present == present.dt.normalize()).all())
    usual = "%Y-%m-%d" if is_midnight else "%Y-%m-%d %H:%M:%S.%f"
    form = how.dates.get(name, [ISO])[0]
    texts: pd.Series = present.dt.strftime(usual if form == ISO else form)
    return texts


def _json_lines(rows: pd.DataFrame, how: Read, behind: Path | None) -> str:
    plain = rows.astype(object).where(rows.notna(), None)
    for name in rows:
        if types.is_datetime64_any_dtype(rows[name]):
            texts = pd.Series(_cells(rows[name], how, str(name)), rows.index, dtype=object)
            plain[name] = texts.where(rows[name].notna(), None)
    if behind:
        plain = plain.rename(columns=_own_names(read_file(behind, how).column_names, how))
    records = plain.to_dict("records")
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _write_parquet(rows: pd.DataFrame, path: Path, how: Read, behind: Path | None) -> None:
    if behind is None:
        rows.to_parquet(path, index=False)
        return
    before = parquet.read_table(behind)
    named = rows.rename(columns=_own_names(before.column_names, how))
    # Without what pandas noted of the table before, such as its index.
    schema = before.schema.remove_metadata()
    try:
        new = pyarrow.Table.from_pandas(named, schema=schema, preserve_index=False)
    except (pyarrow.ArrowException, KeyError, TypeError) as error:
        # The error quotes values, which may hold what nobody should see.
        kind = type(error).__name__
        raise ProjectError(f"{path.name} has types that the new rows do not fit: {kind}") from None
    parquet.write_table(pyarrow.concat_tables([before.replace_schema_metadata(None), new]), path)
