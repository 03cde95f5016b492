"""The model can be made again: from its rows alone, by this code, whatever the order of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

TOLERANCE = 1e-6  # of a probability, or of the target's standard deviation


def check(evidence: Evidence) -> Verdict:
    """Two more trainings gave the same predictions to the bit, and the model gives them too."""
    profile = evidence.profile
    if profile["failure"]:
        return Verdict("refused", profile["failure"])
    if len(set(profile["digests"])) > 1:
        reason = (
            f"two trainings on the same rows differ by up to {profile['spread']:.2g} in their "
            "predictions: give whatever is random the seed, and sort what comes out of a set"
        )
        return Verdict("refused", reason, profile["spread"], 0)
    found = profile["difference"]
    if not found <= TOLERANCE:
        reason = (
            f"models/model.skops differs by up to {found:.2g} from what this code learns from the "
            "training rows: it was made otherwise; `dvc repro --force train`, then `make profile`"
        )
        return Verdict("refused", reason, found, TOLERANCE)
    return Verdict("passed", "trained twice more, it predicts the same", found, TOLERANCE)
