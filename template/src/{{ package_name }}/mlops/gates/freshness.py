"""Neither the data nor the evidence is too old."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Days since the raw data was last committed, and since the model was measured."""
    bounds, pointer = evidence.config.gates.freshness, f"{evidence.config.data.raw}.dvc"
    if evidence.git("rev-parse", "--is-shallow-repository") == "true":
        return Verdict("refused", "a shallow clone hides the data's age: `git fetch --unshallow`")
    brought = evidence.git("log", "-1", "--format=%cI", "--", pointer)
    if not brought:
        return Verdict("refused", f"{pointer} was never committed: nobody can tell the data's age")
    measured = evidence.profile["measured_at"]
    ages = {
        "the data is": (brought, bounds.data_days, "bring newer data"),
        "the evidence is": (measured, bounds.evidence_days, "`make profile`"),
    }
    told = []
    for what, (since, bound, mend) in ages.items():
        days = round((evidence.now - datetime.fromisoformat(since)).total_seconds() / 86_400, 2)
        if days < -0.01 or days > bound:  # nothing is from the future
            reason = f"{what} {days} days old, of at most {bound}: {mend}"
            return Verdict("refused", reason, days, bound)
        told.append(f"{what} {days} days old")
    return Verdict("passed", ", ".join(told), days, bound)
