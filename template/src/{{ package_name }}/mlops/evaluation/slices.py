"""The model's worth on every slice of the held-out rows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas.api import types
from scipy.stats import binomtest

from ..config import Config
from .scores import Classes, Remembered, Rows

DISTINCT = 10
"""A number with more values than that is cut into quarters of its rows."""
MISSING = "(missing)"
WORTH = ("score", "low", "high", "skill", "skill_low", "skill_high")


def slice_names(values: pd.Series) -> pd.Series:
    """The name of each row's slice: its value, `quarter 1` (lowest) to 4, or `(missing)`."""
    time = types.is_datetime64_any_dtype(values)
    number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    spell: Callable[[object], str] = "{:%Y-%m-%d}".format if time else str
    if (number or time) and values.nunique() > DISTINCT:
        cut = values.astype(float) if number else values
        values = pd.qcut(cut, 4, labels=False, duplicates="drop") + 1
        spell = "quarter {:.0f}".format
    elif types.is_float_dtype(values):
        spell = "{:g}".format
    return values.astype(object).map(spell, na_action="ignore").fillna(MISSING)


def slice_masks(test: pd.DataFrame, columns: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Which rows are in each slice, by column and name."""
    names = {column: slice_names(test[column]) for column in columns}
    return {
        (column, value): (names[column] == value).to_numpy()
        for column in columns
        for value in sorted(names[column].unique())
    }


def slice_table(config: Config, test: pd.DataFrame, rows: Rows, model: Remembered) -> pd.DataFrame:
    """A row a slice: score, skill and their 95 % intervals, and for classes the share of errors.

    A slice is `inconclusive` if it has too few rows, or if the metric is undefined on it.
    """
    slices = [
        {"column": column, "value": value, "kind": kind}
        | {"rows": int(mask.sum())}
        | _worth(rows.slice(mask), model, config.gates.slices.min_rows)
        for kind, columns in (("slice", config.data.slices), ("sensitive", config.data.sensitive))
        for (column, value), mask in slice_masks(test, columns).items()
    ]
    columns = None if slices else ["column", "value", "kind", "rows", *WORTH, "status"]
    return pd.DataFrame(slices, columns=columns).round(6)


def _worth(rows: Rows, model: Remembered, least: int) -> dict[str, object]:
    worth = dict.fromkeys(WORTH, float("nan"))
    if len(rows.numbers) >= least:
        score = rows.score(model)
        skill, low, high = rows.estimate(model)
        ends = (rows.zero + low * rows.span, rows.zero + high * rows.span)
        worth = dict(zip(WORTH, (score, *ends, skill, low, high), strict=True))
    status = "ok" if np.isfinite(list(worth.values())).all() else "inconclusive"
    return worth | _errors(rows, model) | {"status": status}


def _errors(rows: Rows, model: Remembered) -> dict[str, float]:
    if not isinstance(model, Classes):
        return {}
    wrong = model.predict(rows.numbers) != rows.truth[rows.numbers]
    found = binomtest(int(wrong.sum()), len(wrong))
    ends = found.proportion_ci(method="wilson")
    return {"error": found.statistic, "error_low": ends.low, "error_high": ends.high}
