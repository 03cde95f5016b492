"""No feature costs without helping: what does not beat chance has to be cheap."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import pandas as pd

from .. import team
from ..modeling.inputs import feature_table
from ..team import Feature
from . import Verdict, problem_of_reasons

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

TIMED_ROWS = 1_000
TIMED_REPEATS = 9


def check(evidence: Evidence) -> Verdict:
    """Check that each feature is useful, kept with a reason, or at least cheap to compute.

    That a feature does not help is no reason to refuse a model that is good as a whole: on a new
    table many columns are weak. They are listed, to be removed when there is time.

    Args:
        evidence: Of the candidate, what stage `challenge` found about its features; the training
            set, whose first rows the features are timed on.

    Returns:
        A verdict with the cost of the most expensive feature that does not help, and what it may
        cost, in microseconds for 1,000 rows.
    """
    worth = evidence.challenge["features"]
    kept = evidence.config.gates.features.kept
    problem = problem_of_reasons("gates.features.kept", kept, worth)
    if problem:
        return Verdict("refused", problem)
    weak = [name for name, facts in worth.items() if not facts["useful"]]
    if not weak:
        return Verdict("passed", f"each of {len(worth)} features helps")
    listed = f"{len(weak)} of {len(worth)} features are no better than chance: {', '.join(weak)}"
    costs = {}
    for feature in team.features():
        if feature.name in weak and feature.name not in kept:
            costs[feature.name] = microseconds(feature, evidence.train)
    if not costs:
        return Verdict("passed", f"{listed}, kept with a reason")
    return _verdict_on_cost(evidence, costs, listed)


def _verdict_on_cost(evidence: Evidence, costs: dict[str, float], listed: str) -> Verdict:
    """The verdict by the dearest of the features that do not help."""
    dearest = max(costs, key=lambda name: costs[name])
    cost = costs[dearest]
    threshold = evidence.config.gates.features.max_microseconds
    if cost > threshold:
        reason = (
            f"{dearest} is no better than chance and costs {cost:,.0f} microseconds for 1,000 "
            f"rows, of at most {threshold:,.0f}: remove it from features.py, or say under "
            "gates.features.kept why it stays"
        )
        return Verdict("refused", reason, cost, threshold)
    return Verdict("passed", f"{listed}; they cost little, and could be removed", cost, threshold)


def microseconds(feature: Feature, rows: pd.DataFrame) -> float:
    """Measure what one feature costs to compute.

    Args:
        feature: The feature to time.
        rows: Rows of the raw table; the first 1,000 are used.

    Returns:
        CPU time in microseconds, scaled to 1,000 rows.
    """
    sample = rows.head(TIMED_ROWS)
    seconds = []
    for _ in range(TIMED_REPEATS):
        start = time.process_time()
        feature_table([feature], sample)
        seconds.append(time.process_time() - start)
    # The median, since the first computation warms caches and others may be slowed down.
    return median(seconds) * 1e6 * TIMED_ROWS / len(sample)
