"""Each feature is worth having: it beats chance, and costs little."""

from __future__ import annotations

import time
from difflib import get_close_matches
from statistics import median
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import team
from ..modeling.inputs import feature_table
from ..team import Feature
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

TIMED_ROWS = 1_000
TIMED_REPEATS = 9


def check(evidence: Evidence) -> Verdict:
    """Check that each feature is useful or kept with a reason, and cheap to compute.

    Args:
        evidence: Of the candidate, what stage `challenge` found about its features; the training
            set, whose first rows the features are timed on.

    Returns:
        A verdict with the cost of the most expensive feature, and what it may cost, in
        microseconds for 1,000 rows.
    """
    worth = evidence.challenge["features"]
    kept = evidence.config.gates.features.kept
    problem = _problem_of_kept(kept, worth)
    if problem:
        return Verdict("refused", problem)
    useless = [name for name, facts in worth.items() if not facts["useful"]]
    unexplained = [name for name in useless if name not in kept]
    if unexplained:
        return Verdict("refused", _no_better_than_chance(unexplained, worth))
    return _cost(evidence, len(useless))


def _problem_of_kept(kept: dict[str, str], worth: dict[str, Any]) -> str:
    """What is wrong with gates.features.kept; empty if nothing is."""
    for name, reason in kept.items():
        if name not in worth:
            close = get_close_matches(name, worth, 1)
            hint = f": did you mean {close[0]}?" if close else ""
            return f"gates.features.kept: {name} is not a feature{hint}"
        if not reason.strip():
            return f"gates.features.kept: say why {name} stays"
    return ""


def _no_better_than_chance(names: list[str], worth: dict[str, Any]) -> str:
    # What chance reaches is the same for every feature: the shadow features are drawn once.
    chance = worth[names[0]]["shadow"]
    listed = ", ".join(names)
    verb = "are" if len(names) > 1 else "is"
    return (
        f"{listed} {verb} no better than chance (shadow features reach a univariate skill score "
        f"of {chance['univariate']:.3f}, an importance of {chance['importance']:.3f}): "
        "remove what is useless from features.py, or say under gates.features.kept why it stays"
    )


def _cost(evidence: Evidence, n_kept: int) -> Verdict:
    costs = {}
    for feature in team.features():
        costs[feature.name] = microseconds(feature, evidence.train)
    dearest = max(costs, key=lambda name: costs[name])
    cost = costs[dearest]
    threshold = evidence.config.gates.features.max_microseconds
    described = f"{dearest} costs {cost:,.0f} microseconds for 1,000 rows"
    if cost > threshold:
        fix = "compute it in a simpler way, or before the raw table is written"
        reason = f"{described}, of at most {threshold:,.0f}: {fix}"
        return Verdict("refused", reason, cost, threshold)
    kept = f", {n_kept} kept with a reason" if n_kept else ""
    reason = f"{len(costs)} features{kept}; the most expensive, {described}"
    return Verdict("passed", reason, cost, threshold)


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
