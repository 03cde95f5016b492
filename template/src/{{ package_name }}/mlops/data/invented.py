"""Rows made up from a schema, so that tests need no row of the real table.

Each column is drawn by its own rules, and the outcome follows from the features, so that there is
something to learn. A rule that ties columns together needs a line in the team's `example.py`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ..features import Feature

GAPS = 0.05
"""Share of missing values in a column that may have some."""


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
    table = pd.DataFrame({name: _draw(rng, column, rows) for name, column in columns.items()})
    for name in columns.keys() - request.to_schema().columns.keys():
        table[name] = _outcome(columns[name], _score(features, table, rng))
    return table


def _draw(rng: np.random.Generator, column: pa.Column, rows: int) -> pd.Series:
    """Values of one column that hold its rules."""
    kind, rules = str(column.dtype), _rules(column)
    low = rules.get("greater_than_or_equal_to", 0)
    if "isin" in rules:
        values = pd.Series(rng.choice(np.array(rules["isin"], object), rows)).infer_objects()
    elif kind == "boolean":
        values = pd.Series(rng.random(rows) < 0.5, dtype="boolean")
    elif kind.startswith("datetime"):
        values = low + pd.Series(pd.to_timedelta(rng.integers(0, 1_000, rows), unit="D"))
    elif column.unique and kind.lower().startswith("int"):
        values = pd.Series(rng.permutation(rows) + low)
    elif kind.lower().startswith("int"):
        high = rules.get("less_than_or_equal_to", low + 100)
        values = pd.Series(rng.integers(low, high, rows, endpoint=True))
    elif kind.startswith("float"):
        values = pd.Series(rng.uniform(low, rules.get("less_than_or_equal_to", low + 1), rows))
    else:
        numbers = np.arange(rows) if column.unique else rng.integers(0, rows // 4 + 2, rows)
        values = pd.Series([f"{column.name} {number}" for number in numbers])
    if column.nullable:
        values = values.convert_dtypes().mask(rng.random(rows) < GAPS)
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
    rules, share = _rules(column), pd.Series(score).rank(pct=True)
    if str(column.dtype) == "boolean":
        return (share > 0.5).astype("boolean")
    if "isin" in rules:
        classes = np.array(rules["isin"], object)
        places = np.minimum((share * len(classes)).astype(int), len(classes) - 1)
        return pd.Series(classes[places]).astype(column.dtype.type)
    low, high = rules["greater_than_or_equal_to"], rules["less_than_or_equal_to"]
    numbers: pd.Series = low + (high - low) * share
    return numbers.astype(column.dtype.type)


def _rules(column: pa.Column) -> dict[str, Any]:
    """The bound or list of each check, by the name that pandera gives it."""
    return {c.name: next(iter(c.statistics.values())) for c in column.checks if c.statistics}
