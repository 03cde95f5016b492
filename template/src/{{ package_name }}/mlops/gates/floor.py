"""The model is good at all: an absolute floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Compare the lower confidence bound of the skill score with gates.floor.skill.

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
    return Verdict("passed", described, low, threshold)
