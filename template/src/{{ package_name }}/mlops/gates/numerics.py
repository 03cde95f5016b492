"""The model answers with finite numbers, whatever number it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..evaluation.scores import cache_predictions
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

EXTREMES = (0.0, 1e-300, 1e12, -1e12, float("nan"))
"""Zero, almost zero, huge in both directions, and missing."""

SUM_TOLERANCE = 1e-6
"""How far the probabilities of one row may be from a sum of 1."""


def check(evidence: Evidence) -> Verdict:
    """Check the predictions for the test set and for extreme rows.

    Args:
        evidence: The candidate and the features of the test set.

    Returns:
        A verdict; if probabilities do not sum to 1, with the largest deviation.

    Raises:
        ProjectError: A prediction is not finite.
    """
    evidence.require_finite_predictions()
    rows = extremes(evidence.features, evidence.manifest["features"])
    # An overflow on the way is no fault if what comes out is finite.
    with np.errstate(all="ignore"):
        predicted = cache_predictions(evidence.model, rows)
    if hasattr(predicted, "probabilities"):
        sums = predicted.probabilities.sum(axis=1)
        deviation = float(abs(sums - 1).max())
        if deviation > SUM_TOLERANCE:
            reason = "the probabilities of a row do not sum to 1"
            return Verdict("refused", reason, deviation, SUM_TOLERANCE)
    return Verdict("passed", f"finite on the held-out rows and on {len(rows)} extreme ones")


def extremes(features: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Make rows that hold something that no training row holds.

    Args:
        features: A feature table; its first row is what each extreme row is a copy of.
        kinds: `numeric` or `categorical` for each column.

    Returns:
        For each extreme one row with it in all numeric columns and one row for each numeric
        column; one row for each other column with an unknown category.
    """
    numeric = [name for name, kind in kinds.items() if kind == "numeric"]
    changes: list[dict[str, float | str]] = []
    for extreme in EXTREMES:
        changes.append(dict.fromkeys(numeric, extreme))
        for name in numeric:
            changes.append({name: extreme})
    for name in kinds:
        if name not in numeric:
            changes.append({name: "never seen"})
    # As floats, since integer columns hold no NaN.
    first = features.head(1).astype(dict.fromkeys(numeric, float))
    rows = [first.assign(**change) for change in changes]
    return pd.concat(rows, ignore_index=True)
