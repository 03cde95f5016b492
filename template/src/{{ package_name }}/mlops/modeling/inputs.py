"""What a model reads: features and target, from the rows of a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from .. import team
from ..config import Config
from ..data import entity_column
from ..data.cells import Where
from ..data.validation import checked, declarations, infinite_rows, row_of_table
from ..errors import ProjectError
from ..team import Feature

ROWS_ALONE = 20
"""Rows whose features are also computed one at a time."""

ROUNDING = 1e-9
"""Relative difference between two computations of one number that is no difference."""


class Inputs(NamedTuple):
    """What candidates are fitted to.

    Attributes:
        features: One column for each feature.
        target: The outcome of each row.
        groups: The group of each row, or None where rows are independent.
    """

    features: pd.DataFrame
    target: pd.Series
    groups: pd.Series | None


def feature_table(features: Sequence[Feature], rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the features of rows, from what is known when a prediction is made.

    Args:
        features: The team's features.
        rows: Rows of the raw table, with or without the outcome, which no feature sees.

    Returns:
        One column for each feature, in their order, under the index of `rows`.

    Raises:
        ProjectError: A feature reads a column that `rows` or the schema `Request` does not have.
    """
    requests = request_columns(rows)
    columns = {}
    # In a loop, so that the message can say which feature it was.
    for feature in features:
        try:
            columns[feature.name] = _values(feature, requests)
        except KeyError as error:
            raise ProjectError(
                f"features.py: {feature.name} reads {error}, no column of Request in schemas.py: "
                "a feature sees only what is known when a prediction is made"
            ) from error
    return pd.DataFrame(columns, index=rows.index)


def _values(feature: Feature, requests: pd.DataFrame) -> pd.Series:
    if feature.compute is None:
        return requests[feature.name]
    return feature.compute(requests)


def request_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are known when a prediction is made.

    Args:
        rows: Rows of the raw table.

    Returns:
        The same rows, with the columns that the schema `Request` declares.
    """
    request = team.request()
    known = [name for name in rows if declarations(request, str(name))]
    # To choose columns takes long beside what a service does for a row.
    return rows.copy(deep=False) if len(known) == len(rows.columns) else rows[known]


def require_row_wise(features: Sequence[Feature], rows: pd.DataFrame, seed: int) -> None:
    """Demand that a feature of a row depends on nothing but that row.

    A mean, rank or count over the table gives one value in training and another for a single
    request, and over a sorted table it can hold the outcome. So each feature is computed again on
    half of the rows in another order, and on some rows one at a time.

    Args:
        features: The team's features.
        rows: Rows of the raw table.
        seed: Draws the rows that are computed again.

    Raises:
        ProjectError: Names the feature.
    """
    whole = feature_table(features, rows)
    drawn = np.random.default_rng(seed).permutation(len(rows))[: len(rows) // 2 + 1]
    # Under a new index: the position of a row is not known of a request either.
    half = feature_table(features, rows.iloc[drawn].reset_index(drop=True))
    alone = []
    for position in drawn[:ROWS_ALONE]:
        row = rows.iloc[[position]].reset_index(drop=True)
        alone.append(feature_table(features, row))
    for feature in features:
        values = whole[feature.name].iloc[drawn]
        one_by_one = pd.concat([table[feature.name] for table in alone])
        is_same = _same(feature, values, half[feature.name])
        if not (is_same and _same(feature, values[:ROWS_ALONE], one_by_one)):
            raise ProjectError(
                f"features.py: {feature.name} of a row depends on other rows, on their order or on "
                "their index: a request comes alone. What is learned from many rows, such as a "
                "mean or a rank, belongs into the pipeline in model.py"
            )


def require_sound_features(
    features: Sequence[Feature], rows: pd.DataFrame, where: Where = row_of_table
) -> None:
    """Demand that the features hold their schema, and that none is infinite or empty.

    Args:
        features: The team's features.
        rows: Rows of the raw table, which holds its schema.
        where: Says where a row is.

    Raises:
        ProjectError: Names each such feature, and the first row; or what breaks the schema.
    """
    try:
        table = feature_table(features, rows)
    except ProjectError:
        raise
    except Exception as error:
        # The kind alone: a message may quote a value.
        place = team.place_of(error, "features.py")
        raise ProjectError(f"{place}: a feature raises {type(error).__name__}") from error
    infinite = infinite_rows(table)
    declared = team.feature_schema().to_schema().columns
    problems = []
    for feature in features:
        values = table[feature.name]
        is_wrong, what = values.isna().to_numpy(), "no number"
        # A raw column without a value was judged by the schema of the raw table.
        is_optional = feature.compute is None or feature.kind != "numeric"
        if is_optional or feature.name not in declared or declared[feature.name].nullable:
            is_wrong = np.zeros(len(table), dtype=bool)
        if feature.name in infinite:
            is_wrong, what = infinite[feature.name].to_numpy(), "infinite"
        if is_wrong.any():
            first = where(rows.index[is_wrong][0])
            problems.append(
                f"{feature.name} is {what} in {int(is_wrong.sum()):,} row(s), the first is {first}"
            )
    if problems:
        raise ProjectError(
            "\n  ".join(["features.py gives what no model can read:", *problems])
            + "\nIt divides by 0, or reads what is missing: decide there what such a row gets, or "
            "allow a gap by nullable=True in FeatureTable"
        )
    # After that, since the schema would only say that a value is missing, not why.
    checked(team.feature_schema(), table, where)


def _same(feature: Feature, one: pd.Series, other: pd.Series) -> bool:
    """Whether two computations of a feature for the same rows gave the same values."""
    if feature.kind == "numeric":
        first = one.to_numpy(dtype=float, na_value=np.nan)
        second = other.to_numpy(dtype=float, na_value=np.nan)
        return bool(np.allclose(first, second, rtol=ROUNDING, atol=0, equal_nan=True))
    text = one.astype("string").reset_index(drop=True)
    return text.equals(other.astype("string").reset_index(drop=True))


def inputs(config: Config, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Compute what a model is fitted to, or scored on.

    Args:
        config: The project's settings.
        rows: Rows of the raw table whose outcome is known.

    Returns:
        The features, validated against their schema, and the target as plain numbers or classes.

    Raises:
        ProjectError: A feature reads a column that `rows` does not have, or breaks its schema.
    """
    features = checked(team.feature_schema(), feature_table(team.features(), rows))
    target = rows[config.data.target]
    # Metrics that have a positive class take 1 for it.
    if target.dtype == "boolean":
        target = target.astype(int)
    return features, target


def training_sample(config: Config, root: Path, most: int) -> Inputs:
    """Read the training set, or a sample of it.

    Args:
        config: The project's settings; the same seed draws the same sample.
        root: The project's folder.
        most: The largest number of rows to return.

    Returns:
        All rows, or a sample of `most` of them, in the order of the table.
    """
    rows = pd.read_parquet(root / config.table("processed", "train"))
    n_rows = min(most, len(rows))
    # In the order of the table: a fold by position must not depend on the order of the draw.
    sampled = rows.sample(n_rows, random_state=config.seed).sort_index()
    features, target = inputs(config, sampled)
    group = entity_column(config, sampled)
    groups = sampled[group] if group else None
    return Inputs(features, target, groups)
