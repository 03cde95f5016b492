"""The model answers with finite numbers, whatever number it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..evaluation.scores import CachedClassifier, cache_predictions
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

EXTREMES = (0.0, 1e-300, 1e12, -1e12, float("nan"))
"""Zero, almost zero, huge in both directions, and missing."""

SUM_TOLERANCE = 1e-6
"""How far the probabilities of one row may be from a sum of 1."""


def numerics(evidence: Evidence) -> Verdict:
    """Check the predictions for the test set and for extreme rows.

    Args:
        evidence: The candidate and the features of the test set.

    Returns:
        A verdict; refused if what the model calls probabilities are none.

    Raises:
        ProjectError: A prediction is not finite.
    """
    evidence.require_finite_predictions()
    rows = extremes(evidence.features, evidence.manifest["features"])
    # An overflow on the way is no fault if what comes out is finite.
    with np.errstate(all="ignore"):
        predicted = cache_predictions(evidence.model, rows)
    for model in (evidence.cached_candidate, predicted):
        if isinstance(model, CachedClassifier) and (problem := _not_probabilities(model)):
            return Verdict("refused", problem)
    return Verdict("passed", f"finite on the held-out rows and on {len(rows)} extreme ones")


def _not_probabilities(model: CachedClassifier) -> str:
    """What is wrong with a classifier's probabilities; empty if nothing is."""
    probabilities = model.probabilities
    if probabilities.min() < 0 or probabilities.max() > 1:
        low, high = probabilities.min(), probabilities.max()
        return f"the probabilities are not between 0 and 1: from {low:.3g} to {high:.3g}"
    deviation = float(abs(probabilities.sum(axis=1) - 1).max())
    if deviation > SUM_TOLERANCE:
        return f"the probabilities of a row do not sum to 1: they are off by up to {deviation:.3g}"
    if not _agree(model):
        return "the predicted classes are not those that the probabilities point to"
    return ""


def _agree(model: CachedClassifier) -> bool:
    """Whether classes follow from probabilities: by a threshold for two, by the largest for more.

    A classifier of two classes may have another threshold than a half, as with scikit-learn's
    TunedThresholdClassifierCV.
    """
    probabilities = model.probabilities
    if probabilities.shape[1] == 2:
        positive = model.predictions == model.classes_[1]
        if positive.all() or not positive.any():
            return True
        lowest_positive = probabilities[positive, 1].min()
        highest_negative = probabilities[~positive, 1].max()
        return bool(lowest_positive >= highest_negative - SUM_TOLERANCE)
    columns = pd.Index(model.classes_).get_indexer(model.predictions)
    if (columns < 0).any():
        return False
    of_predicted = probabilities[np.arange(len(columns)), columns]
    return bool((of_predicted >= probabilities.max(axis=1) - SUM_TOLERANCE).all())


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
