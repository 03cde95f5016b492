"""The model's skill on every slice of the test set."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas.api import types

from ..config import Config
from ..modeling.metrics import wilson
from .scores import CachedModel, CachedRegressor, Rows

MAX_DISTINCT = 10
"""A number or a date with more values than that is cut into quarters of its rows."""

MAX_PERIODS = 24
"""Two years of months."""

MISSING = "(missing)"
"""The slice of the rows without a value."""

ESTIMATES = ("score", "low", "high", "skill", "skill_low", "skill_high")
"""Columns that are empty where a slice is inconclusive."""


def slice_names(values: pd.Series) -> pd.Series:
    """Name the slice of each row.

    Args:
        values: A column of the raw table.

    Returns:
        For each row its value, `quarter 1` (lowest) to `quarter 4`, or `(missing)`.
    """
    is_date = types.is_datetime64_any_dtype(values)
    # pandas counts booleans as numbers.
    is_number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    spell: Callable[[object], str] = str
    if (is_number or is_date) and values.nunique() > MAX_DISTINCT:
        values = _quarters(values, is_number)
        spell = "quarter {:.0f}".format
    elif is_date:
        spell = "{:%Y-%m-%d}".format
    elif types.is_float_dtype(values):
        # Whole numbers with gaps are floats: 2, not 2.0.
        spell = "{:g}".format
    return values.astype(object).map(spell, na_action="ignore").fillna(MISSING)


def _quarters(values: pd.Series, is_number: bool) -> pd.Series:
    # qcut has no answer for nullable integers.
    ordered = values.astype(float) if is_number else values
    # Where one value fills more than a quarter, two edges are equal: there are fewer quarters.
    return pd.qcut(ordered, 4, labels=False, duplicates="drop") + 1


def slice_masks(test: pd.DataFrame, columns: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Find the rows of each slice.

    Args:
        test: The test set.
        columns: The columns whose values are slices.

    Returns:
        By column and name of the slice one boolean a row; sorted within a column.
    """
    masks = {}
    for column in columns:
        names = slice_names(test[column])
        for name in sorted(names.unique()):
            masks[column, name] = (names == name).to_numpy()
    return masks


def slice_table(config: Config, test: pd.DataFrame, rows: Rows, model: CachedModel) -> pd.DataFrame:
    """Judge the model on each slice of the test set.

    Args:
        config: Names the columns of slices, the sensitive columns and the least number of rows.
        test: The test set.
        rows: The same rows, to score on.
        model: The model's predictions for them.

    Returns:
        A row a slice: score and skill score with their 95 % intervals, and for classes the share of
        errors with Wilson's. A slice is `inconclusive` if it has too few rows, or if the metric is
        undefined on it.
    """
    min_rows = config.gates.slices.min_rows
    found = []
    for kind, columns in (("slice", config.data.slices), ("sensitive", config.data.sensitive)):
        for (column, value), mask in slice_masks(test, columns).items():
            line = {"column": column, "value": value, "kind": kind, "rows": int(mask.sum())}
            line |= _judge(rows.slice(mask), model, min_rows)
            found.append(line)
    # Without a slice the table has no rows, and its readers still expect the columns.
    header = None if found else ["column", "value", "kind", "rows", *ESTIMATES, "status"]
    return pd.DataFrame(found, columns=header).round(6)


def period_table(
    config: Config, test: pd.DataFrame, rows: Rows, model: CachedModel
) -> pd.DataFrame:
    """Judge the model on each month of the test set, or on each value where time is no date.

    Args:
        config: Names the column of time and the least number of rows.
        test: The test set.
        rows: The same rows, to score on.
        model: The model's predictions for them.

    Returns:
        A row a period, the latest MAX_PERIODS of more, as `slice_table` has one a slice. Empty if
        the data has no time.
    """
    if not config.data.time:
        return pd.DataFrame(columns=["period", "rows", *ESTIMATES, "status"])
    times = test[config.data.time]
    is_date = types.is_datetime64_any_dtype(times)
    periods = times.dt.strftime("%Y-%m") if is_date else slice_names(times)
    found = []
    for period in sorted(periods.dropna().unique())[-MAX_PERIODS:]:
        mask = (periods == period).to_numpy()
        line = {"period": period, "rows": int(mask.sum())}
        found.append(line | _judge(rows.slice(mask), model, config.gates.slices.min_rows))
    return pd.DataFrame(found).round(6)


def _judge(rows: Rows, model: CachedModel, min_rows: int) -> dict[str, object]:
    estimates = dict.fromkeys(ESTIMATES, float("nan"))
    if len(rows.numbers) >= min_rows:
        estimates = _estimates(rows, model)
    is_known = np.isfinite(list(estimates.values())).all()
    status = "ok" if is_known else "inconclusive"
    return estimates | _error_rate(rows, model) | {"status": status}


def _estimates(rows: Rows, model: CachedModel) -> dict[str, float]:
    skill, skill_low, skill_high = rows.estimate(model)
    return {
        "score": rows.score(model),
        # The interval is drawn once, as skill, and put back on the scale of the metric.
        "low": rows.baseline_score + skill_low * rows.score_range,
        "high": rows.baseline_score + skill_high * rows.score_range,
        "skill": skill,
        "skill_low": skill_low,
        "skill_high": skill_high,
    }


def _error_rate(rows: Rows, model: CachedModel) -> dict[str, float]:
    if isinstance(model, CachedRegressor):
        return {}
    is_wrong = model.predict(rows.numbers) != rows.truth[rows.numbers]
    low, high = wilson(int(is_wrong.sum()), len(is_wrong))
    return {"error": float(is_wrong.mean()), "error_low": low, "error_high": high}
