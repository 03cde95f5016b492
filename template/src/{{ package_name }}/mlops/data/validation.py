"""What a schema says of a table: one is validated against it, or made up from it.

A table that breaks a rule is refused with a message that says which column, rule and row.

Made up rows let tests do without a row of the real table: each column is drawn by its own rules,
and the outcome follows from the features, so that there is something to learn. A rule that ties
columns together needs a line in the team's `example.py`.
"""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ..errors import ProjectError, declared_at, rows_in_words
from .cells import Where

if TYPE_CHECKING:
    from ..team import Feature

ABOUT_COLUMNS = {
    "column_in_dataframe": "missing from the table",
    "column_in_schema": "not declared in the schema",
    "column_ordered": "not at its place in the order of columns",
}
"""What pandera's checks of whole columns mean."""

PERSONAL = {"personal": True}
"""The metadata of a column whose values no message shows."""

GAPS = 0.05
"""Share of missing values in a column that may have some."""

FIRST_DAY = pd.Timestamp("2000-01-01")
N_DAYS = 1_000
"""Dates begin there, unless a rule says otherwise, and are spread over as many days."""


def is_personal(column: pa.Column) -> bool:
    """Return whether a column is declared as personal, whatever else its metadata say."""
    metadata = column.metadata or {}
    return bool(metadata.get("personal"))


def personal_columns(schema: type[pa.DataFrameModel]) -> list[str]:
    """Return the columns that the schema declares as personal; of a family of columns the pattern.

    Args:
        schema: The team's rules.
    """
    columns = schema.to_schema().columns
    return [name for name, column in columns.items() if is_personal(column)]


def declarations(schema: type[pa.DataFrameModel], name: str) -> list[pa.Column]:
    """Return what a schema declares about a column of the table: by its name, or by a pattern.

    Args:
        schema: The team's rules.
        name: What the table calls the column.
    """
    found = []
    for declared, column in schema.to_schema().columns.items():
        # From the beginning of the name, but not to its end, as pandera does it.
        is_meant = re.match(declared, name) if column.regex else declared == name
        if is_meant:
            found.append(column)
    return found


def is_about_a_person(schema: type[pa.DataFrameModel], name: str) -> bool:
    """Return whether neither a message nor a file in git may show values of a column of the table.

    Args:
        schema: The team's rules.
        name: What the table calls the column.
    """
    return any(is_personal(column) for column in declarations(schema, name))


def row_of_table(label: Any) -> str:
    """Return in words where a row is, if nothing is known of a file."""
    return f"row {label}"


def checked(
    schema: type[pa.DataFrameModel], table: pd.DataFrame, where: Where = row_of_table
) -> pd.DataFrame:
    """Validate a table against a schema; no number may be infinite, whatever the schema says.

    Args:
        schema: The team's rules.
        table: Any table.
        where: Says where a row is.

    Returns:
        The table with the schema's types.

    Raises:
        ProjectError: Lists for each column the first broken rule, where that is declared, and rows
            that break it; their values too, unless the column is personal.
    """
    cases = pd.DataFrame({"schema_context": [], "column": [], "check": []})
    typed = table
    try:
        typed = schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        # One row for each value that breaks a rule.
        cases = error.failure_cases
    # A column is reported once, by its first broken rule; a rule of the whole table by itself.
    about_column = cases["schema_context"] == "Column"
    subject = cases["column"].where(about_column, cases["check"])
    lines = []
    for _, group in cases.groupby(subject, sort=False):
        lines.append(_sentence(group, schema, where))
    for name in infinite_rows(typed).drop(columns=list(cases["column"]), errors="ignore"):
        rows = typed.index[infinite_rows(typed[[name]])[name]]
        infinite = rows_in_words(rows, typed[name].loc[rows].tolist(), where)
        lines.append(f"{name}: is infinite{declared_at(schema, str(name), '')} in {infinite}")
    # Outside of `except`: the original error would quote every value.
    if lines:
        raise ProjectError("\n  ".join([f"the data breaks {schema.__name__}:", *lines]))
    return typed


def infinite_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return which values are infinite, of the columns that hold such a value.

    Args:
        table: Any table.
    """
    found = {}
    for name, values in table.items():
        if pd.api.types.is_float_dtype(values):
            is_infinite = np.isinf(values.to_numpy(dtype=float, na_value=np.nan))
            if is_infinite.any():
                found[name] = is_infinite
    return pd.DataFrame(found, index=table.index)


def _sentence(cases: pd.DataFrame, schema: type[pa.DataFrameModel], where: Where) -> str:
    """One sentence about the failures of one column, or of one rule of the table."""
    first = cases.iloc[0]
    check = str(first["check"])
    if check in ABOUT_COLUMNS:
        sentence = f"{', '.join(cases['failure_case'])}: {ABOUT_COLUMNS[check]}"
        if check == "column_in_schema":
            sentence += f": {schema.__name__} in schemas.py has no line for it"
        return sentence
    is_column = first["schema_context"] == "Column"
    subject = first["column"] if is_column else "the table"
    place = declared_at(schema, str(first["column"]), check)
    sentence = f"{subject}: breaks the rule {check}{place}"
    # A rule of a whole column has no row.
    if pd.isna(first["index"]):
        return sentence
    of_rule = cases[cases["check"] == check].drop_duplicates("index")
    values = None
    if is_column and not is_about_a_person(schema, first["column"]):
        values = of_rule["failure_case"].tolist()
    return f"{sentence} in {rows_in_words(of_rule['index'], values, where)}"


def invent(
    raw: type[pa.DataFrameModel],
    request: type[pa.DataFrameModel],
    features: Sequence["Feature"],
    rows: int,
    seed: int,
) -> pd.DataFrame:
    """Make up a raw table; the same seed and number of rows give the same table."""
    rng = np.random.default_rng(seed)
    columns = raw.to_schema().columns
    known = request.to_schema().columns
    table = pd.DataFrame({name: _feature(rng, column, rows) for name, column in columns.items()})
    for name, column in columns.items():
        if name not in known:
            values = _outcome(column, _score(features, table, rng))
            table[name] = _with_gaps(rng, column, values)
    return table


def _feature(rng: np.random.Generator, column: pa.Column, rows: int) -> pd.Series:
    """Values of one column that hold its rules."""
    kind = str(column.dtype).lower()
    rules = _rules(column)
    if "isin" in rules:
        values = pd.Series(rng.choice(np.array(rules["isin"], object), rows))
    elif kind.startswith("bool"):
        values = pd.Series(rng.random(rows) < 0.5)
    elif kind.startswith("datetime"):
        days = rng.permutation(rows) if column.unique else rng.integers(0, N_DAYS, rows)
        first = rules.get("greater_than_or_equal_to", FIRST_DAY)
        values = first + pd.Series(pd.to_timedelta(days, unit="D"))
    elif kind.startswith("int"):
        low, high = _whole_bounds(rules)
        if column.unique:
            values = pd.Series(rng.permutation(rows) + low)
        else:
            values = pd.Series(rng.integers(low, high, rows, endpoint=True))
    elif kind.startswith("float"):
        values = _between(rules, rng.random(rows))
    else:
        numbers = np.arange(rows) if column.unique else rng.integers(0, rows // 4 + 2, rows)
        values = pd.Series([f"{column.name} {number}" for number in numbers])
    return _with_gaps(rng, column, values)


def _with_gaps(rng: np.random.Generator, column: pa.Column, values: pd.Series) -> pd.Series:
    """The values in the type of the column, some of them missing where it may have gaps."""
    if column.nullable and not column.unique:  # two missing values are duplicates
        # Of all types, object alone holds every value beside a missing one without a cast.
        values = values.astype(object).mask(rng.random(len(values)) < GAPS, None)
    kind = str(column.dtype).lower()
    if kind.startswith("float"):
        return values.astype(float)
    if kind.startswith("datetime"):
        return pd.to_datetime(values).astype(column.dtype.type)
    return values.astype(column.dtype.type)


def _score(
    features: Sequence["Feature"], table: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """The sum of the features, the first ones weigh most, with a little noise."""
    columns = {f.name: f.compute(table) if f.compute else table[f.name] for f in features}
    codes = pd.DataFrame(columns).apply(lambda values: values.astype("category").cat.codes.rank())
    weights = 1 / np.arange(1, codes.shape[1] + 1)
    score = ((codes - codes.mean()) / codes.std().replace(0, 1)).to_numpy() @ weights
    noisy: np.ndarray = score + rng.normal(0, 0.05, len(table))
    return noisy


def _outcome(column: pa.Column, score: np.ndarray) -> pd.Series:
    """The score as classes of equal size, or as numbers between the bounds."""
    kind = str(column.dtype).lower()
    rules = _rules(column)
    share = pd.Series(score).rank(pct=True)
    if kind.startswith("bool"):
        return share > 0.5
    if "isin" in rules:
        classes = np.array(rules["isin"], object)
        places = np.minimum((share * len(classes)).astype(int), len(classes) - 1)
        return pd.Series(classes[places])
    if kind.startswith("datetime"):
        first = rules.get("greater_than_or_equal_to", FIRST_DAY)
        moments: pd.Series = first + pd.to_timedelta((share * N_DAYS).round(), unit="D")
        return moments
    if kind.startswith("int"):
        low, high = _whole_bounds(rules)
        # In Python's numbers, which cannot overflow where the bounds are far apart.
        return pd.Series([min(high, low + int((high - low) * part)) for part in share])
    if kind.startswith("float"):
        return _between(rules, share.to_numpy())
    return pd.Series([f"{column.name} {number}" for number in (share * 4).astype(int)])


def _whole_bounds(rules: dict[str, Any]) -> tuple[int, int]:
    """The smallest and the largest whole number that the rules allow."""
    limits = np.iinfo(np.int64)
    low = rules.get("greater_than_or_equal_to")
    high = rules.get("less_than_or_equal_to")
    if low is None:
        low = 0 if high is None else min(0, high - 100)
    if high is None:
        high = low + 100
    # A bound of 1e15 or more is written as a decimal number.
    return max(math.ceil(low), limits.min), min(math.floor(high), limits.max)


def _between(rules: dict[str, Any], share: np.ndarray) -> pd.Series:
    """Numbers at these shares of the way between the bounds."""
    low = rules.get("greater_than_or_equal_to")
    high = rules.get("less_than_or_equal_to")
    if low is None:
        low = 0 if high is None else min(0, high - 1)
    if high is None:
        high = low + 1
    # Not low + share * (high - low): between the largest numbers that overflows.
    return pd.Series((1 - share) * low + share * high)


def _rules(column: pa.Column) -> dict[str, Any]:
    """The bound or list of each check, by the name that pandera gives it."""
    return {c.name: next(iter(c.statistics.values())) for c in column.checks if c.statistics}
