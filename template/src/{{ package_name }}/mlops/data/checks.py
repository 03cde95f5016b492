"""Pandera's checks asked of single rows: of many columns at once, or of each by NumPy."""

import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

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
"""With at most as many columns of bounds, each is judged alone as fast as all at once."""

FEW_ROWS = 200
"""Up to as many, Python finds words in a set sooner than pandas does in an array."""


def name_of(check: Check) -> str:
    """Return what pandera calls a check in its list of failures."""
    return str(check.error or check.name)


CONVERSIONS = (("i", "f"), ("u", "f"), ("M", "M"))
"""Kinds of NumPy's types: whole to decimal numbers, and moments to those of another unit."""

LARGEST = float(np.finfo(np.float64).max)

FINITE = pa.Check(lambda column: ~np.isinf(column), name="finite")
"""No number divided by zero: most models refuse it, and others give a meaningless answer."""


def quick_test(check: Check) -> Test | None:
    """Return a quick way to ask a usual check; None of any other check."""
    if check is FINITE:
        return lambda array: (
            np.isinf(array) if array.dtype.kind == "f" else np.zeros(len(array), bool)
        )
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
    """Return the least and the greatest decimal number that hold all checks.

    None if one of the checks is no bound.
    """
    lowest, highest = -np.inf, np.inf
    for check in checks:
        if check is FINITE:
            lowest = max(lowest, -LARGEST)
            highest = min(highest, LARGEST)
            continue
        _, argument = COMPARISONS.get(check.name, (None, ""))
        bound = check.statistics.get(argument)
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
    """Return the columns of decimal numbers, all without a gap and within their bounds.

    Args:
        table: Any number of rows.
        bounds: The least and the greatest number of some columns. With FEW_COLUMNS of them no
            column is returned, though it may be within its bounds.
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


def is_converted_by_numpy(given: Any, wanted: Any) -> bool:
    """Return whether pandera would convert one type to another as NumPy does, only slower."""
    if not isinstance(given, np.dtype) or not isinstance(wanted, np.dtype):
        return False
    return (given.kind, wanted.kind) in CONVERSIONS


def missing_values(values: pd.Series, array: np.ndarray) -> np.ndarray | None:
    """Return which values are missing; None if none is.

    Args:
        values: A column.
        array: The same as an array.
    """
    if array.dtype.kind in "iub":
        return None
    # Faster than pandas, which would make a column of the answer.
    is_missing = np.isnan(array) if array.dtype.kind == "f" else pd.isna(array)
    return is_missing if is_missing.any() else None


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
