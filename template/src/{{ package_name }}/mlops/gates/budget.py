"""Training and prediction take no more than they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..config import Budget
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


MEANING = {
    "train_cpu_seconds": ("training", "CPU s"),
    "train_memory_mb": ("memory of training", "MB"),
    "model_mb": ("the model's file", "MB"),
    "predict_cpu_seconds": ("1,000 predictions", "CPU s"),
}


def check(evidence: Evidence) -> Verdict:
    """What `make profile` measured on one thread, against every bound of gates.budget."""
    profile, budget = evidence.profile, evidence.config.gates.budget
    if profile["failure"]:
        return Verdict("refused", profile["failure"])
    name, bound = max(budget, key=lambda pair: float(profile[pair[0]] / pair[1]))
    if problems := broken(profile, budget):
        reason = f"{'; '.join(problems)}: make it cheaper, or raise gates.budget in params.yaml"
        return Verdict("refused", reason, profile[name], bound)
    what, unit = MEANING[name]
    reason = f"closest to its bound: {what}, {profile[name]:g} {unit} of {bound:g}"
    return Verdict("passed", reason, profile[name], bound)


def broken(profile: dict[str, Any], budget: Budget) -> list[str]:
    """The budgets that are not kept, with figure and bound."""
    return [
        f"{MEANING[name][0]} takes {profile[name]:g} {MEANING[name][1]} of {bound:g}"
        for name, bound in budget
        if not profile[name] <= bound
    ]
