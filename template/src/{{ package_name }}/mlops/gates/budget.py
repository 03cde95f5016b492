"""Training and prediction take no more than they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..bounds import Budget
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


MEANING = {
    "train_cpu_seconds": ("training", "CPU s"),
    "train_memory_mb": ("memory of training", "MB"),
    "model_mb": ("the model's file", "MB"),
    "predict_cpu_seconds": ("1,000 predictions", "CPU s"),
}
"""What each setting of gates.budget limits, and its unit."""


def budget(evidence: Evidence) -> Verdict:
    """Compare what `make profile` measured on one thread with gates.budget.

    Args:
        evidence: Of the candidate, its profile.

    Returns:
        A verdict with the value that uses the largest share of its budget; refused if any budget
        is exceeded, or if the candidate could not be measured.
    """
    profile = evidence.profile
    budget = evidence.config.gates.budget
    if profile["failure"]:
        return Verdict("refused", profile["failure"])

    def share_used(item: tuple[str, float]) -> float:
        name, threshold = item
        return float(profile[name] / threshold)

    name, threshold = max(budget, key=share_used)
    value = profile[name]
    problems = broken(profile, budget)
    if problems:
        listed = "; ".join(problems)
        reason = f"{listed}: make it cheaper, or raise gates.budget in params.yaml"
        return Verdict("refused", reason, value, threshold)
    what, unit = MEANING[name]
    reason = f"closest to its threshold: {what}, {value:g} {unit} of {threshold:g}"
    return Verdict("passed", reason, value, threshold)


def broken(profile: dict[str, Any], budget: Budget) -> list[str]:
    """List the budgets that are exceeded.

    Args:
        profile: What was measured, by the names of the settings in `budget`.
        budget: The thresholds, in the units of MEANING.

    Returns:
        One phrase for each exceeded budget, with value, unit and threshold.
    """
    problems = []
    for name, threshold in budget:
        value = profile[name]
        if value <= threshold:
            continue
        # NaN is not within any budget, so it comes here as well.
        what, unit = MEANING[name]
        problems.append(f"{what} takes {value:g} {unit} of {threshold:g}")
    return problems
