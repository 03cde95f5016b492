"""What each column holds, judged by all of its values."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pa
from mlops.config import Read
from mlops.data.readers import WORDS, convert, dates
from mlops.errors import ProjectError

Kind = Literal["integer", "number", "boolean", "date", "category", "text", "empty"]
FORMATS = [
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

SEVERAL = 3
"""A column may hold dates in so many formats."""

CATEGORIES = 50
"""More values than that are no closed list."""

WHOLE = "numbers, all of them whole"
LONGEST = 40
"""Characters of a name: lines of code must hold it twice."""

ALMOST = 0.95
"""A column with that share of numbers was meant to hold numbers alone."""


@dataclass(frozen=True)
class Column:
    """One column of the table: `low` to `high`, or `values`, are all that was seen in it."""

    name: str
    original: str
    kind: Kind
    rows: int
    missing: int
    distinct: int
    top: int
    """How many rows hold the most frequent value, a missing one counts as a value."""
    low: Any = None
    high: Any = None
    values: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    why: str = ""

    @property
    def unique(self) -> bool:
        """No value is missing and none is there twice."""
        return self.distinct == self.rows

    @property
    def constant(self) -> bool:
        """It says nothing: one value, or none."""
        return self.distinct + (self.missing > 0) == 1


def normalised(names: list[str]) -> dict[str, str]:
    """A name that follows the naming table for each name of the file.

    ProjectError names two that would become one.
    """
    from slugify import slugify
    from slugify.special import GERMAN

    found: dict[str, str] = {}
    for original in names:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", original)
        name = slugify(
            words, separator="_", max_length=LONGEST, word_boundary=True, replacements=GERMAN
        )
        if not re.match("[a-z]", name):
            name = f"column_{name}" if name else f"column_{len(found) + 1}"
        if keyword.iskeyword(name) or hasattr(pa.DataFrameModel, name):
            name = f"{name}_value"
        if name in found.values():
            other = next(o for o, n in found.items() if n == name)
            raise ProjectError(
                f"the columns {other!r} and {original!r} would both be called {name}: rename one"
            )
        found[original] = name
    return found


def infer(table: pd.DataFrame, how: Read, originals: dict[str, str]) -> Iterator[Column]:
    """The columns of a table as it was read; ProjectError for one that cannot be used."""
    for name in table.columns:
        series = table[name]
        present = series.dropna()
        counts = present.value_counts()
        missing = int(series.isna().sum())
        column = Column(
            name,
            originals.get(name, name),
            "empty",
            rows=len(series),
            missing=missing,
            distinct=len(counts),
            top=max(int(counts.iloc[0]) if len(counts) else 0, missing),
        )
        yield _known(column, present, how) if len(present) else column


def _known(column: Column, present: pd.Series, how: Read) -> Column:
    kind, values, formats, why = _kind(column, present, how)
    facts = vars(column) | {"kind": kind, "formats": formats, "why": why}
    if kind in ("integer", "number", "date"):
        low, high = values.min(), values.max()
        if kind == "number" and not np.isfinite([low, high]).all():
            row = values.index[np.isinf(values)][0]
            raise ProjectError(
                f"column {column.original!r} holds an infinite value, the first in row {row}: "
                "leave it empty or put a number there"
            )
        facts |= {"low": low, "high": high}
    elif kind == "category":
        facts |= {"values": sorted(present.unique())}
    return Column(**facts)


def _kind(column: Column, present: pd.Series, how: Read) -> tuple[Kind, pd.Series, list[str], str]:
    """The kind, the values as such, the formats of dates, and a few words of reason."""
    if pd.api.types.is_bool_dtype(present):
        return "boolean", present, [], "true and false"
    if pd.api.types.is_datetime64_any_dtype(present):
        return "date", present, [], "dates"
    if pd.api.types.is_numeric_dtype(present):
        return _number(column, present, decimal=pd.api.types.is_float_dtype(present))
    words = set(present.drop_duplicates().str.lower())
    if len(words) == 2 and words <= WORDS.keys() and len({WORDS[word] for word in words}) == 2:
        return "boolean", present, [], " and ".join(sorted(words))
    if present.str.fullmatch(r"(19|20)\d{6}").all() and re.search("date|day|time", column.name):
        return "date", dates(present, ["%Y%m%d"]), ["%Y%m%d"], "dates as in %Y%m%d"
    coded = bool(present.str.fullmatch(r"[+-]?0\d+|[+-]?\d{19,}").any())
    if not coded:
        numbers = convert(present, "number", how, column.name)
        share = numbers.notna().mean()
        if share == 1:
            decimal = bool(present.str.contains(how.decimal, regex=False).any())
            return _number(column, numbers, decimal=decimal)
        if share >= ALMOST:
            wrong = present[numbers.isna()]
            raise ProjectError(
                f"column {column.original!r} mixes numbers and words: {len(wrong):,} of "
                f"{len(present):,} values are no numbers, the first is in row {wrong.index[0]}; "
                "mend them or leave them empty"
            )
        if formats := date_formats(present):
            values = dates(present, formats)
            if values.between("1678-01-01", "2262-01-01").all():
                return "date", values, formats, f"dates as in {', '.join(formats)}"
    return _text(column, present, coded=coded)


def _number(
    column: Column, numbers: pd.Series, *, decimal: bool
) -> tuple[Kind, pd.Series, list[str], str]:
    if set(numbers.unique()) == {0, 1}:
        return "boolean", numbers, [], "0 and 1"
    # A file writes 3.0 for 3 where a column has gaps; without gaps 3.0 was meant as it is.
    if not (numbers % 1 == 0).all():
        return "number", numbers, [], "numbers"
    if decimal and not column.missing:
        return "number", numbers, [], WHOLE
    return "integer", numbers, [], f"whole numbers{', with gaps' if column.missing else ''}"


def date_formats(present: pd.Series) -> list[str]:
    """The fewest formats that read every value; none if no three do."""
    left, formats = present.drop_duplicates(), list[str]()
    if not left.str.contains(r"\d").all() or left.str.len().max() > 40:
        return []
    while len(left) and len(formats) < SEVERAL:
        read = {form: dates(left, [form]).notna() for form in FORMATS if form not in formats}
        best = max(read, key=lambda form: int(read[form].sum()))
        if not read[best].any():
            return []
        formats.append(best)
        left = left[~read[best]]
    return [] if len(left) else formats


def _text(
    column: Column, present: pd.Series, *, coded: bool
) -> tuple[Kind, pd.Series, list[str], str]:
    share = column.distinct / len(present)
    if column.distinct <= CATEGORIES and (share <= 0.5 or column.distinct <= 2):
        return "category", present, [], f"{column.distinct} values"
    if coded:
        return "text", present, [], "codes: digits that are no number"
    return "text", present, [], f"{column.distinct:,} different texts"
