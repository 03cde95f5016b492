"""The model is good at all: an absolute floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..evaluation.scores import proper_skill
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
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
