"""What the pipeline asks of the three files that are yours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from .errors import ProjectError


@dataclass(frozen=True)
class Feature:
    """One input of the model: who answers for it, where it comes from, why it is there.

    `compute` turns the raw table into one value a row. It must be pure: the same rows give the
    same values, whatever else is in the table. Without it the raw column of that name is taken.
    """

    name: str
    kind: Literal["numeric", "categorical"]
    owner: str
    source: str
    reason: str
    compute: Callable[[pd.DataFrame], pd.Series] | None = None


def feature_table(features: Sequence[Feature], rows: pd.DataFrame) -> pd.DataFrame:
    """The features of `rows`, one column each, in the order of `features`; same index."""
    try:
        columns = {f.name: f.compute(rows) if f.compute else rows[f.name] for f in features}
    except KeyError as error:
        raise ProjectError(f"features.py asks for {error}, no column of the raw table") from error
    return pd.DataFrame(columns, index=rows.index)
