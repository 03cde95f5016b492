"""The candidate is not worse than the champion on the same held-out rows."""

import numpy as np

from ..evaluation.scores import Remembered
from . import Verdict
from .evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """The lower end of the paired bootstrap's 90 % interval of the difference, against the margin.

    A test of non-inferiority: what is not shown to be as good is refused.
    """
    if evidence.champion_version is None:
        return Verdict("passed", "there is no champion yet: this is the first")
    number = evidence.champion_version.number
    if evidence.champion_version.tags.get("sha256") == evidence.passport["sha256"]:
        return Verdict("refused", f"it is the champion already, version {number}")
    if evidence.champion is None:
        reason = f"version {number} cannot be scored here, and was not compared, as asked"
        return Verdict("inconclusive", reason)
    candidate, champion = evidence.candidate, evidence.champion
    if len(candidate.predictions) != len(champion.predictions):
        return Verdict("refused", "the champion was scored on other rows than the candidate")
    if _same(candidate, champion):
        return Verdict("refused", f"it predicts what the champion, version {number}, predicts")
    margin = evidence.config.gates.champion.margin
    differences = evidence.rows.skills(candidate) - evidence.rows.skills(champion)
    low, high = evidence.rows.interval(differences, 0.9)
    mean = np.nanmean(differences)
    told = f"skill differs from version {number} by {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    if not low >= -margin:
        return Verdict("refused", f"{told}; it may lose {margin} at the most", low, -margin)
    return Verdict("passed", told, low, -margin)


def _same(one: Remembered, other: Remembered) -> bool:
    outputs = [np.asarray(getattr(m, "chances", m.predictions)) for m in (one, other)]
    return bool(np.array_equal(outputs[0], outputs[1]))
