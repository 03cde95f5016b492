"""The evidence is of this code, this data and this model, and nobody edited it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

N_LISTED = 4
"""At most so many changes are named."""


def check(evidence: Evidence) -> Verdict:
    """Check that all evidence belongs together.

    No stage may be frozen, DVC must find every file as it recorded it, splitting again must give
    the same rows, measuring again must give the recorded metrics, and the reports that are not
    measured again must be about this model.

    Args:
        evidence: What DVC finds changed, the split made again, the metrics measured again, and the
            reports.

    Returns:
        A verdict with the number of deviations, of which there may be none.

    Raises:
        ProjectError: A report is missing, was edited, or is about another model.
    """
    if evidence.frozen:
        listed = ", ".join(evidence.frozen)
        reason = f"frozen in dvc.yaml: {listed}; DVC does not look at them: `dvc unfreeze` them"
        return Verdict("refused", reason, len(evidence.frozen), 0)
    stale = evidence.stale
    if stale:
        listed = "; ".join(stale[:N_LISTED])
        more = " ..." if len(stale) > N_LISTED else ""
        reason = f"{listed}{more}: `make pipeline` makes the evidence again"
        return Verdict("refused", reason, len(stale), 0)
    if not evidence.is_split_as_the_code_does:
        reason = (
            "the training and the test set are not those into which this code splits the validated "
            "table: `dvc repro --force split`, then `make pipeline`"
        )
        return Verdict("refused", reason)
    text = (evidence.root / "reports" / "metrics.json").read_text(encoding="utf-8")
    recorded = json.loads(text)
    measured = evidence.measured
    # To the last digit: measuring is deterministic, so any difference is an edit.
    different = [name for name in measured if recorded.get(name) != measured[name]]
    if different:
        name = different[0]
        reason = f"metrics.json has {name} {recorded.get(name)}, measured now {measured[name]}"
        return Verdict("refused", reason, len(different), 0)
    evidence.require_reports_of_candidate()
    return Verdict("passed", "code, data, model and evidence belong together", 0, 0)
