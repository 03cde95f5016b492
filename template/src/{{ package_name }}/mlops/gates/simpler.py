"""No simpler model is as good: what is not simple must be worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Surely better than a trivial model; on the same rows not worse than any simpler one."""
    simpler = evidence.challenge["simpler"]
    low = simpler["baseline"]["low"]
    if not low > 0:
        reason = f"it may be no better than a trivial model: skill of at least {low:.3f}"
        return Verdict("refused", f"{reason}; learn from more rows or other features", low, 0)
    for name, facts in simpler.items():
        if facts["difference"] < 0:
            which = f"{name}, {facts['feature']}," if "feature" in facts else f"the {name} model"
            more = f"{-facts['difference']:.3f} more skill on the same rows"
            reason = f"{which} has {more}: leave what does not help out of model.py"
            return Verdict("refused", reason, facts["difference"], 0)
    told = [f"{facts['difference']:.3f} over {name}" for name, facts in simpler.items()]
    return Verdict("passed", f"skill {', '.join(told)}", low, 0)
