"""What a feature of the team's is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    # Only the annotations need it: commands that read no table start without pandas.
    import pandas as pd


@dataclass(frozen=True)
class Feature:
    """One input of the model: who answers for it, where it comes from, why it is there.

    Attributes:
        name: The column of the feature table.
        kind: Whether the model reads a number or a category.
        owner: Who answers questions about it.
        source: Where the raw values come from.
        reason: Why it should help the model.
        compute: Turns the raw table into one value a row. It must be pure: the same rows give
            the same values, whatever else is in the table. Without it the raw column of that
            name is taken.
    """

    name: str
    kind: Literal["numeric", "categorical"]
    owner: str
    source: str
    reason: str
    compute: Callable[[pd.DataFrame], pd.Series] | None = None
