"""The candidate is not worse than the champion on the same held-out rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..evaluation.scores import CachedModel
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

CONFIDENCE = 0.9
"""Of the two-sided interval; its lower end alone is a one-sided test at the 5 % level."""


def champion(evidence: Evidence) -> Verdict:
    """Test whether the candidate is non-inferior to the champion.

    The lower end of the 90 % interval of the difference in skill score, from a paired bootstrap,
    must not be below the negative margin (non-inferiority, as in Walker and Nowacki, 2011,
    doi:10.1007/s11606-010-1513-8): what is not shown to be as good is refused. So is what is shown
    to be worse, by however little, and what adds up over several champions to more than the
    margin. ACCEPT_WORSE= with a reason lets these pass.

    Args:
        evidence: Predictions of both models for the test set, how far the candidate is behind the
            best champion so far, and the reasons that were given.

    Returns:
        A verdict with the lower end of the interval and the negative margin, in skill score.
    """
    withdrawn = _withdrawal(evidence)
    if withdrawn and not evidence.reasons.again:
        reason = (
            f"this model was withdrawn by {withdrawn['who']} at {withdrawn['when']}: "
            f"{withdrawn['why'] or 'no reason given'}; AGAIN= with a reason promotes it again"
        )
        return Verdict("refused", reason)
    if not evidence.missing_champion:
        return _compare(evidence)
    if not evidence.reasons.uncompared:
        return Verdict("refused", evidence.missing_champion)
    doubt = f"{evidence.missing_champion}; not compared: {evidence.reasons.uncompared}"
    if evidence.champion_version is None:
        return Verdict("inconclusive", doubt)
    # The champion of this registry, at least, is here to be compared with.
    verdict = _compare(evidence)
    status = "inconclusive" if verdict.status == "passed" else verdict.status
    return replace(verdict, status=status, reason=f"{verdict.reason}; {doubt}")


def _withdrawal(evidence: Evidence) -> dict[str, str] | None:
    """Who withdrew this model by a rollback, when and why, as the registry or git has it."""
    version = evidence.candidate_version
    if version and "withdrawn" in version.tags:
        by_tag: dict[str, str] = json.loads(version.tags["withdrawn"])
        return by_tag
    by_hash: dict[str, dict[str, str]] = evidence.recorded.get("withdrawn", {})
    return by_hash.get(evidence.manifest["sha256"])


def _compare(evidence: Evidence) -> Verdict:
    """Compare the candidate with the registry's champion, if it has one."""
    version = evidence.champion_version
    if version is None:
        return Verdict("passed", "there is no champion yet: this is the first")
    candidate_version = evidence.candidate_version
    if candidate_version and candidate_version.number == version.number:
        return Verdict("refused", f"it is the champion already, version {version.number}")
    champion = evidence.cached_champion
    if champion is None:
        # Only UNCOMPARED= with a reason leads here; otherwise it is an error.
        reason = f"version {version.number} cannot be scored here, and was not compared, as asked"
        return Verdict("inconclusive", reason)
    candidate = evidence.cached_candidate
    if len(candidate.predictions) != len(champion.predictions):
        reason = (
            f"the champion was scored on other rows, {len(champion.predictions)} of them, than the "
            f"candidate, {len(candidate.predictions)}: `make pipeline`, then promote again"
        )
        return Verdict("refused", reason)
    if np.array_equal(candidate.outputs, champion.outputs):
        # Another file that behaves the same is no reason to change what is in production.
        reason = f"it predicts what the champion, version {version.number}, predicts"
        return Verdict("refused", reason)
    return _non_inferior(evidence, candidate, champion, version.number)


def _non_inferior(
    evidence: Evidence, candidate: CachedModel, champion: CachedModel, number: int
) -> Verdict:
    margin = evidence.config.gates.champion.margin
    difference, low, high = evidence.rows.advantage(candidate, champion, CONFIDENCE)
    interval = f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    reason = f"skill score differs from version {number} by {interval}"
    if not np.isfinite(low):
        fix = "hold out more rows, or choose another selection.metric"
        reason += f", which is undefined: too many bootstrap draws lack a class; {fix}"
        return Verdict("refused", reason)
    problem = ""
    if low < -margin:
        problem = f"at most {margin} may be lost"
    elif high < 0:
        problem = "the upper confidence bound is below 0, so it is worse"
    elif evidence.behind_best > margin:
        problem = (
            f"with the champions before it is {evidence.behind_best:.3f} behind the best of them, "
            f"of at most {margin}"
        )
    if not problem:
        return Verdict("passed", reason, low, -margin)
    if evidence.reasons.accept_worse:
        reason += f"; {problem}, accepted: {evidence.reasons.accept_worse}"
        return Verdict("inconclusive", reason, low, -margin)
    fix = "ACCEPT_WORSE= with a reason lets it pass"
    return Verdict("refused", f"{reason}; {problem}; {fix}", low, -margin)
