"""The model can be made again: from its rows and this code alone, on another day, elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

TOLERANCE = 1e-6
"""Of a probability, or of the target's standard deviation.

The candidate may be trained on several threads, whose sums are rounded in another order.
"""


def reproducible(evidence: Evidence) -> Verdict:
    """Compare the candidate with two models that `make profile` trained again.

    The two must predict the same to the bit, since only the clock, the time zone and the order of
    Python's sets differ between them; the candidate must predict the same within TOLERANCE.

    Args:
        evidence: Of the candidate, its profile.

    Returns:
        A verdict with the largest difference between predictions, and what it may be.
    """
    profile = evidence.profile
    if profile["failure"]:
        return Verdict("refused", profile["failure"])
    # Checksums of all predictions: they differ as soon as one bit does.
    distinct = set(profile["digests"])
    if len(distinct) > 1:
        spread = profile["spread"]
        reason = (
            f"two trainings on the same rows differ by up to {spread:.2g} in their predictions: "
            "give whatever is random the seed, sort what comes out of a set, and read no clock"
        )
        return Verdict("refused", reason, spread, 0)
    difference = profile["difference"]
    # Written so that NaN refuses.
    if not difference <= TOLERANCE:
        reason = (
            f"models/model.skops differs by up to {difference:.2g} from what this code makes of "
            "the training set: it was made in another way, or with a variable of the environment, "
            "which belongs into params.yaml; `uv run dvc repro --force train`, then `make "
            "profile`"
        )
        return Verdict("refused", reason, difference, TOLERANCE)
    return Verdict("passed", "trained twice more, it predicts the same", difference, TOLERANCE)
