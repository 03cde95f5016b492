"""The model is good at all: an absolute floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Even the lower end of the 95 % interval of the score, as skill, reaches the floor."""
    metric, bound = evidence.config.selection.metric, evidence.config.gates.floor.skill
    low = evidence.rows.skill(evidence.measured[f"{metric}_low"])
    score = evidence.measured[metric]
    told = f"{metric} {score:.3f}, skill of at least {low:.3f}"
    if not low >= bound:
        reason = f"{told}, under the floor of {bound}: better features, or more rows"
        return Verdict("refused", reason, low, bound)
    return Verdict("passed", told, low, bound)
