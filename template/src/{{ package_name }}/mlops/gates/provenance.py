"""The evidence is of this code, this data and this model, and nobody edited it."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from ..evaluation.importance import compare_on_rows, univariate_skill
from ..modeling.inputs import training_sample
from ..modeling.metrics import quiet
from ..pipeline.challenge import MAX_ROWS
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

N_LISTED = 4
"""At most so many changes are named."""

N_MEASURED_AGAIN = 3
"""Features drawn anew in each promotion, so that nobody can know which numbers to leave alone."""

ROUNDING = 2e-6
"""The report has six digits."""


def check(evidence: Evidence) -> Verdict:
    """Check that all evidence belongs together.

    No stage may be frozen, DVC must find every file as it recorded it, splitting again must give
    the same rows, measuring again must give the recorded metrics, and the reports that take too
    long to make again must be about this model. Of challenge.json a part is measured again.

    Args:
        evidence: What DVC finds changed, the split made again, the metrics measured again, the
            reports, and both tables.

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
    # To the last digit: on one machine measuring is deterministic.
    different = [name for name in measured if recorded.get(name) != measured[name]]
    if different:
        name = different[0]
        reason = (
            f"metrics.json has {name} {recorded.get(name)}, measured now {measured[name]}: it was "
            "edited, or measured on another machine; `uv run dvc repro --force evaluate`"
        )
        return Verdict("refused", reason, len(different), 0)
    evidence.require_reports_of_candidate()
    problem = _edited_challenge(evidence)
    if problem:
        return Verdict("refused", problem)
    return Verdict("passed", "code, data, model and evidence belong together", 0, 0)


def _edited_challenge(evidence: Evidence) -> str:
    """A number of challenge.json that is another one when measured again; empty if none is found.

    All of it would take as long as the stage: the comparison with the baseline is made again, and
    the skill of some features.
    """
    baseline = {"baseline": evidence.rows.baseline}
    again = compare_on_rows(evidence.rows, evidence.cached_candidate, baseline)["baseline"]
    recorded = evidence.challenge["simpler"]["baseline"]
    for name, value in again.items():
        if not abs(value - recorded[name]) <= ROUNDING:
            return _describe(f"{name} of the gain over the baseline", recorded[name], value)
    worth = evidence.challenge["features"]
    drawn = random.sample(sorted(worth), min(N_MEASURED_AGAIN, len(worth)))
    sample = training_sample(evidence.config, evidence.root, MAX_ROWS)
    with quiet():
        skills = univariate_skill(evidence.config, sample, drawn)
    for name, skill in skills.items():
        written = worth[name]["univariate"]
        # NaN, where the metric is undefined, is written as it is.
        if not (abs(skill - written) <= ROUNDING or (skill != skill and written != written)):
            return _describe(f"univariate skill of {name}", written, skill)
    return ""


def _describe(what: str, written: float, measured: float) -> str:
    return (
        f"challenge.json has {what} {written}, measured now {measured:.6f}: "
        "`uv run dvc repro --force challenge` makes it again"
    )
