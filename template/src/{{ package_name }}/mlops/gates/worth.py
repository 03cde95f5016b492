"""Three gates: is it good at all, better than simpler models, and without a feature too many?"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import team
from ..evaluation.scores import proper_skill
from ..modeling.inputs import feature_table
from ..team import Feature
from . import Verdict, problem_of_reasons

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

TIMED_ROWS = 1_000
TIMED_REPEATS = 9


def floor(evidence: Evidence) -> Verdict:
    """Compare the lower confidence bound of the skill score with gates.floor.skill.

    Many metrics flatter: recall is perfect if every row is called positive. So a proper score must
    beat its own best constant as well: one that is best only for the true probabilities or the true
    mean (Gneiting and Raftery, 2007, doi:10.1198/016214506000001437).

    Args:
        evidence: Of the candidate, the metrics measured again on the test set, with the 95 %
            interval of the score.

    Returns:
        A verdict with the lower confidence bound and the floor, in skill score.
    """
    metric = evidence.config.selection.metric
    threshold = evidence.config.gates.floor.skill
    score = evidence.measured[metric]
    low = evidence.rows.skill(evidence.measured[f"{metric}_low"])
    described = f"{metric} {score:.3f}, skill score of at least {low:.3f}"
    # Written so that NaN, an undefined score, refuses.
    if not low >= threshold:
        reason = f"{described}, under the floor of {threshold}: better features, or more rows"
        return Verdict("refused", reason, low, threshold)
    proper = proper_skill(evidence.rows, evidence.cached_candidate)
    if proper is None:
        return Verdict("passed", f"{described}; it gives no probabilities", low, threshold)
    name, skill = proper
    if not skill > 0:
        reason = (
            f"{described}, but by its {name} it is no better than a constant (skill score "
            f"{skill:.3f}): {metric} flatters it, or its probabilities need calibration, as by "
            "scikit-learn's CalibratedClassifierCV"
        )
        return Verdict("refused", reason, skill, 0)
    return Verdict("passed", described, low, threshold)


def simpler(evidence: Evidence) -> Verdict:
    """Compare the candidate with simpler models on the test set.

    It must be shown to be better than the baseline, and must not score worse than any other
    simpler model.

    Args:
        evidence: Of the candidate, what stage `challenge` found: by the name of each simpler model
            the candidate's skill score less that model's, with the 95 % interval.

    Returns:
        A verdict with the lower confidence bound of the difference to the baseline, or the
        difference to the simpler model that is better; neither may be below 0.
    """
    simpler = evidence.challenge["simpler"]
    low = simpler["baseline"]["low"]
    # Written so that NaN, an undefined interval, refuses.
    if not low > 0:
        reason = (
            f"it may be no better than the baseline: skill score of at least {low:.3f}; "
            "train on more rows or other features"
        )
        return Verdict("refused", reason, low, 0)
    differences = []
    for name, facts in simpler.items():
        difference = facts["difference"]
        if difference < 0:
            reason = (
                f"{_describe(name, facts)} has a skill score higher by {-difference:.3f} on the "
                "same rows: remove what does not help from model.py"
            )
            return Verdict("refused", reason, difference, 0)
        differences.append(f"{difference:.3f} over {name}")
    return Verdict("passed", f"skill score {', '.join(differences)}", low, 0)


def _describe(name: str, facts: dict[str, Any]) -> str:
    if "feature" in facts:
        return f"{name}, {facts['feature']},"
    return f"the {name} model"


def features(evidence: Evidence) -> Verdict:
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
