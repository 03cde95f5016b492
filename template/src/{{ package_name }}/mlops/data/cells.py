"""Turn the cells of a file into plain values: text, numbers, booleans, moments without a zone."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd
import pandera.pandas as pa
import pyarrow
from pyarrow import compute as pc

from ..config import Read
from ..errors import ProjectError, rows_in_words

MISSING = ("", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
"""What stands for a missing value in a text file: most of what pandas takes for one."""

TRUE_WORDS = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "off", "0", "0.0")
YES = ("ja", "oui", "si", "sí", "sì", "sim", "tak")  # in other languages of Europe
NO = ("nein", "nee", "nej", "non", "não", "nie")
WORDS = dict.fromkeys(TRUE_WORDS + YES, True) | dict.fromkeys(FALSE_WORDS + NO, False)
"""The value of each word, in lower case, in a boolean column; 0 and 1 may be written otherwise."""

CURRENCY = r"[€$£¥₹₩₽₺₴₪฿]|EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|zł|kr"
AMOUNT = (
    rf"(?P<sign>[+-]?)\s?(?P<before>{CURRENCY})?\s?"
    r"(?P<digits>[+-]?\d(?:[\d.,'’\s]*\d)?)"
    rf"\s?(?P<unit>%|bn|[km])?\s?(?P<after>{CURRENCY})?"
)
EXPONENTS = {"%": "e-2", "k": "e3", "m": "e6", "bn": "e9"}
"""What stands behind a number, and by which power of ten it multiplies it: 44.6% is 0.446."""


def clean(table: pyarrow.Table, how: Read) -> pyarrow.Table:
    """Strip the space around each text, and leave a gap where it stands for a missing value.

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
    if types.is_time(kind):
        return pyarrow.string()
    if types.is_nested(kind) or types.is_binary(kind) or types.is_duration(kind):
        raise ProjectError(f"column {name!r} holds {kind}: one plain value a cell is needed")
    return kind


def convert(present: pd.Series, kind: str, how: Read, name: str) -> pd.Series:
    """Turn text into values of one kind.

    Args:
        present: The texts of a column that are not missing.
        kind: `integer`, `number`, `boolean` or `date`.
        how: How numbers and dates are written.
        name: The column's name, by which `how` has formats of dates.

    Returns:
        The values under the same index; missing where the text is not of that kind.
    """
    if kind == "boolean":
        values = present.str.lower().map(WORDS).astype("boolean")
        # Numbers only now, since 1.000 and 0,0 are rare.
        other = _plain_numbers(present[values.isna()], how, name)
        return values.fillna(other.map({0: False, 1: True}).astype("boolean"))
    if kind == "date":
        return dates(present, how.dates.get(name, []))
    numbers = _plain_numbers(present, how, name)
    unread = numbers.isna()
    if unread.any():
        # Only now: most files write numbers without signs and units.
        numbers = numbers.where(~unread, _amounts(present[unread], *how.marks(name)))
    if kind == "number":
        return numbers.astype("float64")
    return numbers.where(numbers % 1 == 0).astype("Int64")


def _plain_numbers(present: pd.Series, how: Read, name: str) -> pd.Series:
    """Numbers that are written without currency and unit; missing where the text is none."""
    decimal, thousands = how.marks(name)
    plain_texts = _without_groups(present, decimal, thousands).str.replace(
        decimal, ".", regex=False
    )
    return pd.to_numeric(plain_texts, errors="coerce")


def dates(present: pd.Series, formats: list[str]) -> pd.Series:
    """Turn text into moments without a zone, in UTC.

    Args:
        present: The texts of a column that are not missing.
        formats: Formats as strptime has them; each value takes the first that fits it. An
            empty list means ISO 8601.

    Returns:
        The moments under the same index; missing where no format fits.

    Raises:
        ProjectError: A format is not one.
    """
    found = pd.Series(pd.NaT, index=present.index, dtype="datetime64[us]")
    for form in formats or ["ISO8601"]:
        unread = present[found.isna()]
        try:
            moments = pd.to_datetime(unread, format=form, errors="coerce", utc=True)
        except (ValueError, re.error) as error:
            raise ProjectError(f"data.read.dates has the format {form!r}: {error}") from None
        found = found.fillna(moments.dt.tz_localize(None).astype("datetime64[us]"))
    return found


def split_amounts(texts: pd.Series) -> pd.DataFrame:
    """Separate a number from the currency and the unit that are written with it.

    Args:
        texts: Any text.

    Returns:
        The columns `sign`, `before` (a currency), `digits`, `unit` and `after` (a currency), under
        the same index; missing what a text does not have, and all of what is no such number.
    """
    # Anchored, since `extract` finds a pattern anywhere.
    parts = texts.astype("str").str.extract(rf"^{AMOUNT}$", re.IGNORECASE)
    # Digits in groups of three may be apart by spaces, or by apostrophes as in Switzerland.
    grouped = parts["digits"].str.fullmatch(r"[+-]?\d{1,3}([\s'’]\d{3})+([.,]\d+)?").eq(True)
    together = parts["digits"].str.replace(r"[\s'’]", "", regex=True)
    parts["digits"] = parts["digits"].mask(grouped, together)
    return parts


def _amounts(texts: pd.Series, decimal: str, thousands: str) -> pd.Series:
    """Numbers that are written with a currency, a unit or spaces between thousands."""
    parts = split_amounts(texts)
    digits = _without_groups(parts["digits"].astype("str"), decimal, thousands)
    if decimal != ".":
        # A point that parts no thousands is a mistake here, or another way to write decimals.
        digits = digits.mask(digits.str.contains(".", regex=False))
    # As an exponent: 0.446 and not 44.6 * 0.01, which is another number.
    exponents = parts["unit"].str.lower().map(EXPONENTS).fillna("")
    written = parts["sign"].fillna("") + digits.str.replace(decimal, ".", regex=False) + exponents
    return pd.to_numeric(written.where(parts["digits"].notna()), errors="coerce")


def _without_groups(texts: pd.Series, decimal: str, thousands: str) -> pd.Series:
    """Numbers without the marks between thousands; other texts as they are."""
    if not thousands:
        return texts
    # A mark between anything but groups of three is none: 31.12.2025 is not a number, and
    # 1.234.5 not 12345.
    group = re.escape(thousands) + r"\d\d\d"
    decimals = rf"{re.escape(decimal)}\d+"
    grouped = texts.str.fullmatch(rf"[+-]?\d\d?\d?({group})+({decimals})?").eq(True)
    return texts.mask(grouped, texts.str.replace(thousands, "", regex=False))


Where = Callable[[Any], str]
"""Says in words where the row of a label is."""

KINDS = {
    "int": "integer",
    "uint": "integer",
    "float": "number",
    "bool": "boolean",
    "boolean": "boolean",
    "datetime": "date",
}
"""What a person calls a dtype, by the letters that its name begins with."""


class WrongValues(NamedTuple):
    """The values of a column that are not of its type.

    Attributes:
        column: The name of the column.
        kind: What a person calls its type.
        values: The values, under the index of the table.
        declared: What the schema says about the column.
    """

    column: str
    kind: str
    values: pd.Series
    declared: pa.Column

    @property
    def rule(self) -> str:
        """What these values break, in words."""
        return f"is not {'an' if self.kind == 'integer' else 'a'} {self.kind}"


def convert_types(
    table: pd.DataFrame, schema: pa.DataFrameSchema, how: Read, where: Where = "row {}".format
) -> pd.DataFrame:
    """Turn text into the types that a schema declares.

    Args:
        table: What `read` returned.
        schema: Declares the types. Columns that it does not have stay as they are.
        how: How numbers and dates are written.
        where: Says where the row of a label is.

    Returns:
        The table with the same columns, in the same order.

    Raises:
        ProjectError: Lists for each column how many values are not of its type, and the first
            of them; its value too, unless the column is personal.
    """
    typed, wrong = find_types(table, schema, how)
    if wrong:
        problems = ["the data breaks its types:"]
        for found in wrong:
            is_hidden = (found.declared.metadata or {}).get("personal")
            values = None if is_hidden else found.values.tolist()
            rows = rows_in_words(found.values.index, values, where)
            problems.append(f"{found.column}: {found.rule} in {rows}")
        raise ProjectError("\n  ".join(problems))
    return typed


def find_types(
    table: pd.DataFrame, schema: pa.DataFrameSchema, how: Read
) -> tuple[pd.DataFrame, list[WrongValues]]:
    """Turn text into the types that a schema declares, as far as it can be done.

    Args:
        table: Its text is as it is in the file.
        schema: Declares the types. Columns that it does not have stay as they are.
        how: How numbers and dates are written.

    Returns:
        The table, with a gap where a value is not of its type; and those values.
    """
    found = []
    columns = dict(table.items())
    for name, declared in _declared_columns(schema, table):
        letters = re.match("[a-z]*", str(declared.dtype).lower())
        kind = KINDS.get(letters[0] if letters else "")
        present = table[name].dropna()
        if kind is None:
            continue
        if pd.api.types.is_string_dtype(present):
            values = convert(present, kind, how, name)
        elif kind == "integer":
            # A column of whole numbers with gaps comes as floats; one of dates has no whole number.
            is_number = pd.api.types.is_numeric_dtype(present)
            is_whole = present % 1 == 0 if is_number else present.isna()
            values = present.where(is_whole)
        else:
            # The file's own format has typed it; the schema validates that type later.
            continue
        wrong = present[values.isna()]
        columns[name] = values.reindex(table.index)
        if not wrong.empty:
            found.append(WrongValues(name, kind, wrong, declared))
    return pd.DataFrame(columns), found


def _declared_columns(
    schema: pa.DataFrameSchema, table: pd.DataFrame
) -> Iterator[tuple[str, pa.Column]]:
    """Each column of the table that the schema declares, by itself or as one of a family."""
    for declared, column in schema.columns.items():
        if not column.regex and declared in table:
            yield declared, column
        if column.regex:
            for name in table.columns.astype(str):
                # From the beginning of the name, but not to its end, as pandera does it.
                if re.match(declared, name):
                    yield name, column
