"""Rows made up from a schema, so that tests need no row of the real table.

Each column is drawn by its own rules, and the outcome follows from the features, so that there is
something to learn. A rule that ties columns together needs a line in the team's `example.py`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ..team import Feature

GAPS = 0.05
"""Share of missing values in a column that may have some."""

FIRST_DAY = pd.Timestamp("2000-01-01")
N_DAYS = 1_000
"""Dates begin there, unless a rule says otherwise, and are spread over as many days."""


def invent(
    raw: type[pa.DataFrameModel],
    request: type[pa.DataFrameModel],
    features: Sequence[Feature],
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
    features: Sequence[Feature], table: pd.DataFrame, rng: np.random.Generator
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
