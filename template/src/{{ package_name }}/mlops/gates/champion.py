"""The candidate is not worse than the champion on the same held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """The lower end of the paired bootstrap's 90 % interval of the difference, against the margin.

    A test of non-inferiority: what is not shown to be as good is refused.
    """
    if evidence.champion_version is None:
        return Verdict("passed", "there is no champion yet: this is the first")
    number = evidence.champion_version.number
    if evidence.champion_version.tags.get("sha256") == evidence.manifest["sha256"]:
        return Verdict("refused", f"it is the champion already, version {number}")
    if evidence.champion is None:
        reason = f"version {number} cannot be scored here, and was not compared, as asked"
        return Verdict("inconclusive", reason)
    candidate, champion = evidence.candidate, evidence.champion
    if len(candidate.predictions) != len(champion.predictions):
        return Verdict("refused", "the champion was scored on other rows than the candidate")
    one, other = (getattr(m, "probabilities", m.predictions) for m in (candidate, champion))
    if np.array_equal(one, other):
        return Verdict("refused", f"it predicts what the champion, version {number}, predicts")
    margin = evidence.config.gates.champion.margin
    found, low, high = evidence.rows.advantage(candidate, champion, 0.9)
    told = f"skill differs from version {number} by {found:+.3f} [{low:+.3f}, {high:+.3f}]"
    if not low >= -margin:
        return Verdict("refused", f"{told}; it may lose {margin} at the most", low, -margin)
    return Verdict("passed", told, low, -margin)
