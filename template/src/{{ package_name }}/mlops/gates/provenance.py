"""The evidence is of this code, this data and this model, and nobody edited it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """DVC finds every file as it recorded it, and measuring again gives the recorded metrics."""
    if stale := evidence.stale:
        names = "; ".join(stale[:4]) + (" ..." if len(stale) > 4 else "")
        reason = f"{names}: `make pipeline` makes the evidence anew"
        return Verdict("refused", reason, len(stale), 0)
    text = (evidence.root / "reports" / "metrics.json").read_text(encoding="utf-8")
    recorded, measured = json.loads(text), evidence.measured
    if other := [name for name in measured if recorded.get(name) != measured[name]]:
        name = other[0]
        reason = f"metrics.json has {name} {recorded.get(name)}, measured now {measured[name]}"
        return Verdict("refused", reason, len(other), 0)
    evidence.challenge, evidence.profile  # noqa: B018 - they refuse what is not of this model
    return Verdict("passed", "code, data, model and evidence belong together", 0, 0)
