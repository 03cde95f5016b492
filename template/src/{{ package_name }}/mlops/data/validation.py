"""Validate a table against its schema, with a message that says which column, rule and row."""

import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ..errors import ProjectError

ABOUT_COLUMNS = {
    "column_in_dataframe": "missing from the table",
    "column_in_schema": "not declared in the schema",
    "column_ordered": "not at its place in the order of columns",
}
"""What pandera's checks of whole columns mean."""

PERSONAL = {"personal": True}
"""The metadata of a column whose values no message shows."""


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


def checked(schema: type[pa.DataFrameModel], table: pd.DataFrame) -> pd.DataFrame:
    """Validate a table against a schema.

    Args:
        schema: The team's rules.
        table: Any table.

    Returns:
        The table with the schema's types.

    Raises:
        ProjectError: Lists for each column the first broken rule and an offending row; the value
            too, unless the column is personal.
    """
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        # One row for each value that breaks a rule.
        cases = error.failure_cases
    # A column is reported once, by its first broken rule; a rule of the whole table by itself.
    about_column = cases["schema_context"] == "Column"
    subject = cases["column"].where(about_column, cases["check"])
    lines = [f"the data breaks {schema.__name__}:"]
    for _, group in cases.groupby(subject, sort=False):
        lines.append(_sentence(group, schema))
    # Outside of `except`: the original error would quote every value.
    raise ProjectError("\n  ".join(lines))


def _sentence(cases: pd.DataFrame, schema: type[pa.DataFrameModel]) -> str:
    """One sentence about the failures of one column, or of one rule of the table."""
    first = cases.iloc[0]
    check = str(first["check"])
    if check in ABOUT_COLUMNS:
        return f"{', '.join(cases['failure_case'])}: {ABOUT_COLUMNS[check]}"
    is_column = first["schema_context"] == "Column"
    subject = first["column"] if is_column else "the table"
    sentence = f"{subject}: breaks the rule {check}"
    # A rule of a whole column has no row.
    if pd.isna(first["index"]):
        return sentence
    n_rows = cases.loc[cases["check"] == check, "index"].nunique()
    sentence += f" in {n_rows:,} row(s), the first is row {first['index']}"
    if is_column and not is_about_a_person(schema, first["column"]):
        sentence += f" with the value {first['failure_case']}"
    return sentence


Check = Any
"""A pandera check; pandera's own types do not say which class that is."""

Test = Callable[[np.ndarray], np.ndarray | None]
"""Says which values fail a check; None if it cannot say it of an array of that type."""

COMPARISONS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "equal_to": (operator.eq, "value"),
    "not_equal_to": (operator.ne, "value"),
    "greater_than": (operator.gt, "min_value"),
    "greater_than_or_equal_to": (operator.ge, "min_value"),
    "less_than": (operator.lt, "max_value"),
    "less_than_or_equal_to": (operator.le, "max_value"),
}
"""Pandera's names of the comparisons, what NumPy does for each, and the name of its bound."""

FEW_COLUMNS = 12
"""Up to as many are judged one by one as fast as at once."""

FEW_ROWS = 200
"""Up to as many, Python finds words in a set sooner than pandas does in an array."""


def name_of(check: Check) -> str:
    """Return what pandera calls a check in its list of failures."""
    return str(check.error or check.name)


def quick_test(check: Check) -> Test | None:
    """Return a quick way to ask a usual check; None of any other check."""
    if check.element_wise:
        return None
    if check.name in COMPARISONS:
        compare, argument = COMPARISONS[check.name]
        if argument in check.statistics:
            return _comparison(compare, check.statistics[argument])
    if check.name == "isin" and "allowed_values" in check.statistics:
        return _membership(list(check.statistics["allowed_values"]))
    # A pattern without any sign that has a meaning is found as it is.
    pattern = check.statistics.get("pattern")
    if check.name == "str_contains" and pattern == re.escape(str(pattern)):
        return _by_value(lambda value: pattern in value if isinstance(value, str) else False)
    return None


def interval(checks: Sequence[Check]) -> tuple[float, float] | None:
    """Return the least and the greatest number that hold checks of bounds; None of other checks."""
    lowest, highest = -np.inf, np.inf
    for check in checks:
        bound = check.statistics.get(COMPARISONS.get(check.name, ("", ""))[1])
        if check.element_wise or not isinstance(bound, int | float):
            return None
        match check.name:
            case "greater_than":
                lowest = max(lowest, np.nextafter(bound, np.inf))
            case "greater_than_or_equal_to":
                lowest = max(lowest, bound)
            case "less_than":
                highest = min(highest, np.nextafter(bound, -np.inf))
            case "less_than_or_equal_to":
                highest = min(highest, bound)
            case _:
                return None
    return float(lowest), float(highest)


def within(table: pd.DataFrame, bounds: dict[str, tuple[float, float]]) -> set[str]:
    """Return columns of decimal numbers without a gap that all lie within their bounds.

    Args:
        table: Any number of rows.
        bounds: For each of some columns the least and the greatest number. Of a few columns none
            is looked at: to ask each rule of each column by itself is as fast.
    """
    if len(bounds) <= FEW_COLUMNS:
        return set()
    types = dict(zip(table.columns, table.dtypes.to_numpy(), strict=True))
    names = [name for name in bounds if types[name] == np.float64]
    if not names:
        return set()
    numbers = table[names] if len(names) < len(types) else table
    # In the order of the table.
    names = [str(name) for name in numbers]
    lowest, highest = zip(*(bounds[name] for name in names), strict=True)
    values = numbers.to_numpy()
    # Not true of a gap.
    holds = np.all((values >= lowest) & (values <= highest), axis=0)
    return {name for name, is_clear in zip(names, holds, strict=True) if is_clear}


def _comparison(compare: Callable[[Any, Any], Any], bound: Any) -> Test:
    kinds = ""
    if isinstance(bound, int | float) and not isinstance(bound, bool):
        kinds = "iuf"
    # A moment with a zone is compared by pandas.
    if isinstance(bound, datetime) and bound.tzinfo is None:
        kinds = "M"
        bound = np.datetime64(pd.Timestamp(bound))

    def failing(array: np.ndarray) -> np.ndarray | None:
        return ~compare(array, bound) if array.dtype.kind in kinds else None

    return failing


def _membership(allowed: list[Any]) -> Test | None:
    kinds = {type(value) for value in allowed}
    if kinds == {str}:
        words = frozenset(allowed)
        return _by_value(lambda value: value in words)
    if kinds == {int} or kinds == {float}:
        numbers = np.array(allowed)

        def failing(array: np.ndarray) -> np.ndarray | None:
            # A whole number is not the decimal number next to it, as NumPy would have it.
            is_exact = array.dtype.kind == "f" or array.dtype.kind == numbers.dtype.kind
            return ~np.isin(array, numbers) if is_exact and array.dtype.kind in "if" else None

        return failing
    return None


def _by_value(holds: Callable[[Any], bool]) -> Test:
    def failing(array: np.ndarray) -> np.ndarray | None:
        if array.dtype.kind != "O" or len(array) > FEW_ROWS:
            return None
        try:
            return np.array([not holds(value) for value in array], dtype=bool)
        except TypeError:  # a list, which no set can hold
            return None

    return failing


def keep_rules_of_one_row(schema: pa.DataFrameSchema) -> None:
    """Take away the rules that need other rows, and those that only warn."""
    schema.unique = None
    schema.ordered = False
    schema.drop_invalid_rows = False
    for part in (schema, *schema.columns.values()):
        kept = [check for check in part.checks if not (check.groupby or check.raise_warning)]
        part.checks = kept
    for column in schema.columns.values():
        column.unique = False
        column.drop_invalid_rows = False


def is_plain(schema: pa.DataFrameSchema) -> bool:
    """Return whether a schema judges values as they are, apart from their types."""
    changes = [schema.parsers, schema.dtype, schema.index, schema.add_missing_columns]
    for column in schema.columns.values():
        changes += [column.parsers, not pd.isna(column.default)]
    return not any(changes)


def failing_rows(check: Check, values: Any) -> Any:
    """Return the labels of the rows in a column or a table that fail a check.

    A check that gives one truth for all of them, or fails itself, is asked of each row alone.

    Args:
        check: The check.
        values: A column or a table, whose labels are unique.
    """
    try:
        result = check(values)
    except Exception:
        # As pandera does: a check that cannot answer is broken; here by the rows it fails for.
        result = None
    if result is not None:
        output = result.check_output
        if isinstance(output, pd.DataFrame):
            output = output.all(axis=1)
        if isinstance(output, pd.Series) and output.index.equals(result.checked_object.index):
            # Pandera takes an answer that is missing for a yes.
            if output.dtype != bool:
                output = output.astype("boolean").fillna(True).astype(bool)
            holds = output.to_numpy()
            return () if holds.all() else output.index[~holds]
    alone = [values.iloc[[position]] for position in range(len(values))]
    return [row.index[0] for row in alone if not _passes(check, row)]


def _passes(check: Check, row: Any) -> bool:
    try:
        return bool(np.all(check(row).check_passed))
    except Exception:
        return False
