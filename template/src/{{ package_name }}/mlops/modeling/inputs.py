"""What a model reads: features and target, from the rows of a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .. import team
from ..config import Config
from ..data.validation import checked
from ..errors import ProjectError
from ..team import Feature


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
    """Compute the features of rows.

    Args:
        features: The team's features.
        rows: Rows of the raw table, with or without the outcome.

    Returns:
        One column for each feature, in their order, under the index of `rows`.

    Raises:
        ProjectError: A feature reads a column that `rows` does not have.
    """
    columns = {}
    # In a loop, so that the message can say which feature it was.
    for feature in features:
        try:
            columns[feature.name] = feature.compute(rows) if feature.compute else rows[feature.name]
        except KeyError as error:
            raise ProjectError(
                f"features.py: {feature.name} reads {error}, no column of the raw table"
            ) from error
    return pd.DataFrame(columns, index=rows.index)


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
    groups = sampled[config.data.group] if config.data.group else None
    return Inputs(features, target, groups)
