"""No simpler model is as good: what is not simple must be worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
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
