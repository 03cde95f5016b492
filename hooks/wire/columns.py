"""What each column holds, judged by all of its values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from mlops.config import Read
from mlops.data.cells import WORDS, Where, convert, dates, split_amounts
from mlops.errors import ProjectError

Kind = Literal["integer", "number", "boolean", "date", "category", "text", "empty"]

DATE_FORMATS = [
    "ISO8601",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
]
"""How dates are written. Where day and month could be either, the day comes first."""

MAX_DATE_FORMATS = 3
"""A column may hold dates in at most that many formats."""

LONGEST_DATE = 40
"""Characters beyond which a text is not read as a date."""

MAX_CATEGORIES = 50
"""More values than that are not a closed list."""

MOSTLY_NUMBERS = 0.95
"""A column with that share of numbers was meant to hold numbers alone."""


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        name: What the project calls it.
        original: What the file calls it.
        kind: What it holds.
        rows: The number of rows, missing values included.
        missing: How many of them have no value.
        distinct: The number of different values.
        top: How many rows hold the most frequent value; a missing one counts as a value.
        low: The smallest number or the first day, where it holds such.
        high: The largest number or the last day.
        values: The list of values, sorted, where it is a category.
        formats: How its dates are written.
        whole: It holds numbers without decimals, whatever the file's type for them.
        code: It holds digits that are no quantity, as in a postal code.
        why: A few words on how the kind was found.
    """

    name: str
    original: str
    kind: Kind
    rows: int
    missing: int
    distinct: int
    top: int
    low: Any = None
    high: Any = None
    values: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    whole: bool = False
    code: bool = False
    why: str = ""

    @property
    def unique(self) -> bool:
        """No value is missing or duplicated."""
        return self.distinct == self.rows

    @property
    def repeated(self) -> bool:
        """A value is in several rows."""
        return self.distinct < self.rows - self.missing

    @property
    def constant(self) -> bool:
        """It says nothing: one value, or none."""
        return self.distinct + (self.missing > 0) == 1


@dataclass(frozen=True)
class Finding:
    """What the values of a column turned out to be."""

    kind: Kind
    values: pd.Series
    why: str
    formats: list[str] = field(default_factory=list)
    whole: bool = False
    code: bool = False


def infer(
    table: pd.DataFrame, how: Read, originals: dict[str, str], where: Where = "row {}".format
) -> Iterator[Column]:
    """Judge the columns of a table.

    Args:
        table: The table as it was read, under the new names; text is not converted yet.
        how: How numbers and dates are written.
        originals: What the file calls each column.
        where: Says where the row of a label is.

    Yields:
        The columns, in order.

    Raises:
        ProjectError: A column cannot be used as it is.
    """
    for name in table.columns:
        series = table[name]
        present = series.dropna()
        counts = present.value_counts()
        missing = int(series.isna().sum())
        most_frequent = int(counts.iloc[0]) if len(counts) else 0
        column = Column(
            name,
            originals.get(name, name),
            "empty",
            rows=len(series),
            missing=missing,
            distinct=len(counts),
            top=max(most_frequent, missing),
        )
        if present.empty:
            yield column
        else:
            yield _judge(column, present, how, where)


def _judge(column: Column, present: pd.Series, how: Read, where: Where) -> Column:
    """Fill in the kind of a column, and what was seen in it."""
    found = _find(column, present, how, where)
    judged = replace(
        column,
        kind=found.kind,
        formats=found.formats,
        whole=found.whole,
        code=found.code,
        why=found.why,
    )
    if found.kind in ("integer", "number", "date"):
        judged = replace(judged, low=found.values.min(), high=found.values.max())
    if found.kind == "number" and not np.isfinite([judged.low, judged.high]).all():
        row = found.values.index[np.isinf(found.values)][0]
        raise ProjectError(
            f"column {column.original!r} holds an infinite value, the first in {where(row)}: "
            "leave it empty or put a number there"
        )
    if found.kind == "category":
        judged = replace(judged, values=sorted(present.unique()))
    return judged


def _find(column: Column, present: pd.Series, how: Read, where: Where) -> Finding:
    """Find out what the values are that are not missing."""
    if pd.api.types.is_bool_dtype(present):
        return Finding("boolean", present, "true and false")
    if pd.api.types.is_datetime64_any_dtype(present):
        return Finding("date", present, "dates")
    if pd.api.types.is_numeric_dtype(present):
        decimal = pd.api.types.is_float_dtype(present)
        return _number(column, present, decimal=decimal)
    return _find_in_text(column, present, how, where)


def _find_in_text(column: Column, present: pd.Series, how: Read, where: Where) -> Finding:
    """Find out what a column of text was before somebody wrote it into a file."""
    # Two words that mean true and false, one of each.
    words = set(present.drop_duplicates().str.lower())
    if len(words) == 2 and words <= WORDS.keys() and len({WORDS[word] for word in words}) == 2:
        return Finding("boolean", present, " and ".join(sorted(words)))
    # Eight digits are a date only if the name says so too; they could be any number.
    digits = present.str.fullmatch(r"(19|20)\d{6}").all()
    if digits and re.search("date|day|time", column.name):
        values = dates(present, ["%Y%m%d"])
        # There is no 20230931: a value that is not a date would be lost.
        if values.notna().all():
            return Finding("date", values, "dates as in %Y%m%d", ["%Y%m%d"])
    # A leading zero, or more digits than an integer can hold, is a code and no quantity.
    if present.str.fullmatch(r"[+-]?0\d+|[+-]?\d{19,}").any():
        codes = _text(column, present, otherwise="codes: digits that are not a number")
        return replace(codes, code=True)
    amounts = split_amounts(present.drop_duplicates())
    numbers = convert(present, "number", how, column.name)
    share = numbers.notna().mean()
    doubt = _doubt(amounts) if share >= MOSTLY_NUMBERS else ""
    if doubt:
        return replace(_text(column, present, otherwise=doubt), why=doubt)
    signs = _signs(amounts)
    if share == 1 and signs:
        # Not whole numbers, though these may be: € 5,50 and 1.25k are as likely.
        return Finding("number", numbers, f"numbers, written with {signs}")
    if share == 1:
        mark, _ = how.marks(column.name)
        decimal = bool(present.str.contains(mark, regex=False).any())
        return _number(column, numbers, decimal=decimal)
    # Not missing: a value that nobody can read may be the one that matters.
    if share >= MOSTLY_NUMBERS:
        wrong = present[numbers.isna()]
        raise ProjectError(
            f"column {column.original!r} mixes numbers and words: {len(wrong):,} of "
            f"{len(present):,} values are not numbers, the first is in {where(wrong.index[0])}; "
            "fix them or leave them empty"
        )
    formats = date_formats(present)
    if formats:
        values = dates(present, formats)
        # pandas holds no others in nanoseconds, which some of its functions still use.
        if values.between("1678-01-01", "2262-01-01").all():
            return Finding("date", values, f"dates as in {', '.join(formats)}", formats)
    return _text(column, present, otherwise=f"{column.distinct:,} different texts")


def _signs(amounts: pd.DataFrame) -> str:
    """Say what is written with numbers: a currency, a unit; empty if nothing is."""
    marks = pd.concat([amounts["before"], amounts["unit"], amounts["after"]]).dropna()
    return ", ".join(sorted(set(marks)))


def _doubt(amounts: pd.DataFrame) -> str:
    """Say why what looks like numbers may be none, or of several kinds; empty if all is well."""
    currencies = set(amounts["before"].fillna(amounts["after"]).dropna().str.upper())
    if len(currencies) > 1:
        return f"amounts in several currencies, {' and '.join(sorted(currencies))}"
    units = set(amounts["unit"].dropna())
    is_nothing = amounts["digits"].str.fullmatch(r"[+-]?0+([.,]0+)?").eq(True)
    if "%" in units and (amounts["unit"].ne("%") & amounts["digits"].notna() & ~is_nothing).any():
        return "percentages beside plain numbers, which may be of another unit"
    # 5m and 10m may be millions, and metres, minutes or months as well.
    if units == {"m"} and not currencies:
        return "numbers with an m, which may be millions or metres"
    return ""


def _number(column: Column, numbers: pd.Series, *, decimal: bool) -> Finding:
    """Tell apart 0 and 1, whole numbers and others; `decimal` says how the file writes them."""
    if set(numbers.unique()) == {0, 1}:
        return Finding("boolean", numbers, "0 and 1")
    if not (numbers % 1 == 0).all():
        return Finding("number", numbers, "numbers")
    # A file writes 3.0 for 3 where a column has gaps; without gaps 3.0 was meant as it is.
    if decimal and not column.missing:
        return Finding("number", numbers, "numbers, all of them whole", whole=True)
    why = "whole numbers, with gaps" if column.missing else "whole numbers"
    return Finding("integer", numbers, why, whole=True)


def date_formats(present: pd.Series) -> list[str]:
    """Find the fewest formats that read every value.

    Args:
        present: Text without missing values.

    Returns:
        The formats, the one that reads most values first; empty if the values are not dates.
    """
    # Each value once: a file has few days and many rows.
    left = present.drop_duplicates()
    formats: list[str] = []
    if not left.str.contains(r"\d").all() or left.str.len().max() > LONGEST_DATE:
        return []
    while len(left) and len(formats) < MAX_DATE_FORMATS:
        is_read = {
            form: dates(left, [form]).notna() for form in DATE_FORMATS if form not in formats
        }
        best = max(is_read, key=lambda form: int(is_read[form].sum()))
        if not is_read[best].any():
            return []
        formats.append(best)
        left = left[~is_read[best]]
    return formats if left.empty else []


def _text(column: Column, present: pd.Series, *, otherwise: str) -> Finding:
    """Tell a closed list of values, which come back again and again, from any other text."""
    # Values that come back half of the time or more; yes and no may be rare.
    share = column.distinct / len(present)
    comes_back = share <= 0.5 or column.distinct <= 2
    if column.distinct <= MAX_CATEGORIES and comes_back:
        return Finding("category", present, f"{column.distinct} values")
    return Finding("text", present, otherwise)
