"""What a model reads: features and target, from the rows of a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .. import team
from ..config import Config
from ..data.validation import checked
from ..errors import ProjectError
from ..features import Feature


class Inputs(NamedTuple):
    """What candidates are fitted to: `groups` is None where rows are independent."""

    features: pd.DataFrame
    target: pd.Series
    groups: pd.Series | None


def feature_table(features: Sequence[Feature], rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the features of `rows`.

    Args:
        features: The team's features.
        rows: Rows of the raw table, with or without the outcome.

    Returns:
        One column for each feature, in their order, under the index of `rows`.

    Raises:
        ProjectError: A feature reads a column that `rows` does not have.
    """
    columns = {}
    for feature in features:
        try:
            columns[feature.name] = feature.compute(rows) if feature.compute else rows[feature.name]
        except KeyError as error:
            raise ProjectError(
                f"features.py: {feature.name} reads {error}, no column of the raw table"
            ) from error
    return pd.DataFrame(columns, index=rows.index)


def inputs(config: Config, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return features that hold their schema, and the target as plain numbers or classes."""
    features = checked(team.feature_schema(), feature_table(team.features(), rows))
    target = rows[config.data.target]
    if target.dtype == "boolean":
        target = target.astype(int)
    return features, target


def training_sample(config: Config, root: Path, most: int) -> Inputs:
    """Return the training set; if it has more than `most` rows, a sample of that size."""
    rows = pd.read_parquet(root / config.table("processed", "train"))
    sampled = rows.sample(min(most, len(rows)), random_state=config.seed).sort_index()
    features, target = inputs(config, sampled)
    groups = sampled[config.data.group] if config.data.group else None
    return Inputs(features, target, groups)
