"""The data holds its schema, and neither it nor the evidence is too old."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from .. import team
from ..data.fetch import pointers
from ..data.validation import checked
from ..git import git
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

SECONDS_A_DAY = 86_400
TIME_ZONES = -1
"""In days. A moment in a table has no zone, and somewhere it is tomorrow already."""

FUTURE = -0.01
"""In days. Clocks differ by seconds; a date further ahead than that was made up."""


def schema(evidence: Evidence) -> Verdict:
    """Validate both tables against schemas.py, and the model's inputs against features.py.

    Args:
        evidence: The training set, the test set, and the candidate's manifest.

    Returns:
        A verdict; refused if the model was trained with other features.

    Raises:
        ProjectError: A row breaks the schema.
    """
    # In one table, since rules such as unique ids hold across both.
    both = pd.concat([evidence.train, evidence.test], ignore_index=True)
    table = checked(team.raw_table(), both)
    declared = {feature.name: feature.kind for feature in team.features()}
    recorded = evidence.manifest["features"]
    if declared != recorded:
        # Features that were added or removed, or that are of another kind.
        differences = sorted(declared.items() ^ recorded.items())
        name, _ = differences[0]
        return Verdict("refused", f"features.py and the model differ in {name}: train again")
    n_rows, n_columns = evidence.features.shape
    reason = f"{len(table):,} rows hold the schema, {n_columns} features on {n_rows:,}"
    return Verdict("passed", reason)


def freshness(evidence: Evidence) -> Verdict:
    """Compare the age of the raw data and of the profile with gates.freshness.

    The raw data is as old as the last commit of its DVC pointer, and its newest row as old as
    data.time says, which counts where newest_row_days is set.

    Args:
        evidence: The history of the project, the test set, the profile of the candidate, and the
            moment of the judgement.

    Returns:
        A verdict with the age that decided, or the age of the profile if both are young enough,
        and what that may be, in days.
    """
    thresholds = evidence.config.gates.freshness
    of_data = pointers(evidence.root, evidence.config.data.raw)
    # In a shallow clone every file seems to be as young as the oldest commit that was fetched.
    if git(evidence.root, "rev-parse", "--is-shallow-repository") == "true":
        return Verdict("refused", "a shallow clone hides the data's age: `git fetch --unshallow`")
    committed_at = git(evidence.root, "log", "-1", "--format=%cI", "--", *of_data)
    if not of_data or not committed_at:
        names = ", ".join(of_data) or "what the raw data is made of"
        return Verdict("refused", f"{names} was never committed: the data's age is unknown")
    data_age = _days(committed_at, evidence.now)
    if not FUTURE <= data_age <= thresholds.data_days:
        fix = "bring newer data"
        return _too_old("the data is", data_age, thresholds.data_days, fix)
    row_age = _row_age(evidence)
    if thresholds.newest_row_days is not None:
        if row_age is None:
            reason = "gates.freshness.newest_row_days: data.time names no column of dates"
            return Verdict("refused", reason)
        if not TIME_ZONES <= row_age <= thresholds.newest_row_days:
            fix = "bring newer data"
            return _too_old("the newest row is", row_age, thresholds.newest_row_days, fix)
    evidence_age = _days(evidence.profile["measured_at"], evidence.now)
    if not FUTURE <= evidence_age <= thresholds.evidence_days:
        return _too_old("the evidence is", evidence_age, thresholds.evidence_days, "`make profile`")
    reason = f"the data is {data_age} days old, the evidence is {evidence_age} days old"
    if row_age is not None:
        reason += f", the newest row is {row_age} days old"
    return Verdict("passed", reason, evidence_age, thresholds.evidence_days)


def _row_age(evidence: Evidence) -> float | None:
    """Days since the newest row; None if data.time names no column of dates.

    With data.time the test set holds the newest rows.
    """
    time = evidence.config.data.time
    if time is None or not is_datetime64_any_dtype(evidence.test[time]):
        return None
    newest = evidence.test[time].max()
    if newest.tzinfo is None:
        newest = newest.tz_localize("UTC")
    return _days(newest.isoformat(), evidence.now)


def _days(since: str, now: datetime) -> float:
    """Days from an ISO time to `now`, to a hundredth."""
    passed = now - datetime.fromisoformat(since)
    return round(passed.total_seconds() / SECONDS_A_DAY, 2)


def _too_old(what: str, days: float, threshold: float, fix: str) -> Verdict:
    reason = f"{what} {days} days old, of at most {threshold}: {fix}"
    return Verdict("refused", reason, days, threshold)
