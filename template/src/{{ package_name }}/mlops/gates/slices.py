"""The model is good on every slice, and no worse there than the champion."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ..errors import ProjectError
from ..evaluation.scores import CachedModel, Rows
from ..evaluation.slices import slice_masks
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

N_LISTED = 4
"""At most so many slices are named, the worst first."""


class Finding(NamedTuple):
    """What is found on one slice; without a skill score where it cannot be measured."""

    skill: float | None
    description: str
    status: Literal["passed", "refused", "inconclusive"]


def slices(evidence: Evidence) -> Verdict:
    """Judge every slice: the values of the columns in data.slices and data.sensitive.

    By 95 % intervals of the bootstrap, a slice refuses if it is not shown to reach its floor and
    is shown to be worse than the whole, or to be below the floor; or if it is worse than the
    champion by more than the margin and is shown to be worse. So a ruined slice refuses, and the
    noise of a small one does not. A critical slice refuses as soon as it is not shown to reach its
    floor.

    Args:
        evidence: The test set, and the predictions of both models for it.

    Returns:
        A verdict with the skill score of the worst slice of those that decided, and its floor.

    Raises:
        ProjectError: gates.slices.critical names a slice that the test set does not have, or the
            champion was judged on one that it lacks.
    """
    slices = slices_of(evidence)
    _require_critical(evidence.config.gates.slices.critical, slices)
    if not _is_of_another_table(evidence):
        _require_recorded(evidence.recorded.get("slices", []), evidence, slices)
    whole = evidence.rows.skill(evidence.rows.score(evidence.cached_candidate))
    findings = []
    for name, rows in slices.items():
        findings.append(_judge(evidence, name, rows, whole))
    findings.sort(key=_badness)
    return _verdict(findings, evidence.config.gates.slices.skill)


def judged_slices(evidence: Evidence) -> list[str]:
    """Return the names of the slices that have enough rows to be judged.

    Args:
        evidence: The test set.
    """
    min_rows = evidence.config.gates.slices.min_rows
    return [name for name, rows in slices_of(evidence).items() if len(rows.numbers) >= min_rows]


def slices_of(evidence: Evidence) -> dict[str, Rows]:
    """Return the rows of each slice, by its name as in region=north.

    Args:
        evidence: The test set.
    """
    data = evidence.config.data
    # A column may be in both lists; a dictionary keeps the first place of each.
    columns = list(dict.fromkeys(data.slices + data.sensitive))
    slices = {}
    for (column, value), mask in slice_masks(evidence.test, columns).items():
        slices[f"{column}={value}"] = evidence.rows.slice(mask)
    return slices


def _require_critical(critical: list[str], slices: dict[str, Rows]) -> None:
    """Raise ProjectError if a critical slice is not in the test set."""
    unknown = [name for name in critical if name not in slices]
    if not unknown:
        return
    listed = ", ".join(unknown)
    # Almost any name is a hint: the values of a column are few, and often short.
    close = ", ".join(get_close_matches(unknown[0], slices, cutoff=0.1))
    hint = close or "none, see data.slices"
    raise ProjectError(
        f"gates.slices.critical: the test set has no slice {listed}; close matches: {hint}"
    )


def _is_of_another_table(evidence: Evidence) -> bool:
    """Whether the champion was of another table, and a reason replaces the comparison with it."""
    dataset = evidence.config.data.name
    is_uncompared = bool(evidence.reasons.uncompared) and evidence.cached_champion is None
    return is_uncompared and evidence.recorded.get("dataset", dataset) != dataset


def _require_recorded(recorded: list[str], evidence: Evidence, slices: dict[str, Rows]) -> None:
    """Raise ProjectError if the test set lacks a slice on which the champion was judged."""
    retired = evidence.config.gates.slices.retired
    for name, why in retired.items():
        if not why.strip():
            raise ProjectError(f"gates.slices.retired: say why for {name}")
    gone = [name for name in recorded if name not in slices and name not in retired]
    if gone:
        raise ProjectError(
            f"the champion was judged on {', '.join(gone)}, of which this test set has no row: "
            "bring the rows back, or say in gates.slices.retired why the slice is no more"
        )


def _judge(evidence: Evidence, name: str, rows: Rows, whole: float) -> Finding:
    """Judge one slice; `whole` is the candidate's skill score on the test set."""
    thresholds = evidence.config.gates.slices
    champion = evidence.cached_champion
    # What cannot be said of a critical slice counts against it.
    doubtful: Literal["refused", "inconclusive"] = "inconclusive"
    if name in thresholds.critical:
        doubtful = "refused"
    n_rows = len(rows.numbers)
    if n_rows < thresholds.min_rows:
        reason = f"{name} has {n_rows} rows, fewer than {thresholds.min_rows}"
        return Finding(None, reason, doubtful)
    skill, low, high = rows.estimate(evidence.cached_candidate)
    if not np.isfinite([skill, low]).all():
        return Finding(None, f"{name} leaves {rows.metric} undefined", doubtful)
    interval = f"{skill:.2f} [{low:.2f}, {high:.2f}]"
    description = f"{name} has a skill score of {interval} on {n_rows:,} rows"
    loss = 0.0
    if champion is not None:
        loss = _loss(rows, evidence.cached_candidate, champion, thresholds.margin)
    if loss > 0:
        description += f", {loss:.2f} less than the champion's; {thresholds.margin} may be lost"
        return Finding(skill, description, "refused")
    if low < thresholds.skill:
        description += f", not shown to reach {thresholds.skill}"
        # The floor alone would refuse weak models for the noise of a slice, the whole alone would
        # refuse good models for their weakest slice.
        is_ruined = high < max(whole, thresholds.skill)
        return Finding(skill, description, "refused" if is_ruined else doubtful)
    return Finding(skill, description, "passed")


def _loss(rows: Rows, candidate: CachedModel, champion: CachedModel, margin: float) -> float:
    """Skill score lost against the champion; 0 if within the margin or not shown to be a loss."""
    difference = rows.skill(rows.score(champion)) - rows.skill(rows.score(candidate))
    # Resampling takes most of the time of this gate: do it only where the margin is exceeded.
    if not difference > margin:
        return 0.0
    loss, low, _ = rows.advantage(champion, candidate)
    return loss if low > 0 else 0.0


def _badness(finding: Finding) -> float:
    """Sorts the worst first, and what could not be measured before that."""
    return float("-inf") if finding.skill is None else finding.skill


def _verdict(findings: list[Finding], floor: float) -> Verdict:
    """One verdict on all slices; `findings` are sorted, the worst first."""
    refused = [finding for finding in findings if finding.status == "refused"]
    unclear = [finding for finding in findings if finding.status == "inconclusive"]
    passed = [finding for finding in findings if finding.status == "passed"]
    if refused:
        fix = (
            "reports/report.html shows them; train on more such rows, or add features that "
            "distinguish them"
        )
        return Verdict("refused", f"{_list(refused)}: {fix}", refused[0].skill, floor)
    doubt = f"; inconclusive: {_list(unclear)}" if unclear else ""
    if not passed:
        return Verdict("inconclusive", f"no slice in data.slices can be judged{doubt}")
    weakest = passed[0]
    reason = (
        f"{len(passed)} of {len(findings)} slices hold, the weakest: {weakest.description}{doubt}"
    )
    return Verdict("passed", reason, weakest.skill, floor)


def _list(findings: list[Finding]) -> str:
    listed = "; ".join(finding.description for finding in findings[:N_LISTED])
    n_more = len(findings) - N_LISTED
    return f"{listed}; {n_more} more" if n_more > 0 else listed
