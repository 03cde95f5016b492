"""Training and prediction take no more than they may."""

from ..profiling.profile import MEANING, broken
from . import Verdict
from .evidence import Evidence


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
