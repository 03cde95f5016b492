"""The data is what it was: from month to month, on both sides of the split, since the champion."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import team
from ..data import MIN_ROWS, Change, Summary, compare, drifted, independent_rows, summarize
from ..data.validation import is_about_a_person
from ..modeling.inputs import request_columns
from . import SCORE, Verdict, new_reasons, problem_of_reasons

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

MAX_PERIODS = 8
"""Time is cut into so many periods at most, which follow each other."""

SINCE_CHAMPION = "since the champion"

N_LISTED = 4
"""At most so many changes are named, the largest first."""


def drift(evidence: Evidence) -> Verdict:
    """Compare the columns of a request over time, across the split, and with the champion's.

    A column that drifted, as `data.drifted` has it, needs a reason in
    gates.drift.explained, a new one for each champion; so does a champion whose score changed by
    more than twice the half width of its interval at promotion, as two samples of the same data
    seldom differ. The model is the same, so that is the data's fault.

    With data.time the periods are compared with those before them, so that a jump shows, as from
    another unit, and a slow trend does not. Else the training rows are compared with the test rows,
    which a split at random makes alike.

    Args:
        evidence: Both tables, the record of the champion, and its predictions for the test set.

    Returns:
        A verdict with the largest effect, of the unexplained changes if it refuses, and what it may
        be without a reason. Without both if only gaps changed.
    """
    thresholds = evidence.config.gates.drift
    table = pd.concat([evidence.train, evidence.test], ignore_index=True)
    columns = drift_columns(evidence)
    problem = problem_of_reasons("gates.drift.explained", thresholds.explained, [*columns, SCORE])
    if problem:
        return Verdict("refused", problem)
    new = new_reasons("drift", evidence)
    change_of_score = _changed_score(evidence)
    if change_of_score and SCORE not in new:
        reason = f"{change_of_score}; a new reason goes into gates.drift.explained.{SCORE}"
        return Verdict("refused", reason)
    found = list(_comparisons(evidence, table, columns))
    largest = max((change.effect for change in found), default=0.0)
    changes = drifted(found, thresholds)
    unexplained = []
    for change in changes:
        reasons = new if change.when == SINCE_CHAMPION else thresholds.explained
        if change.column not in reasons:
            unexplained.append(change)
    if unexplained:
        listed = "; ".join(change.text for change in unexplained[:N_LISTED])
        n_more = len(unexplained) - N_LISTED
        more = f"; {n_more} more" if n_more > 0 else ""
        reason = f"{listed}{more}: correct the data, or say in gates.drift.explained why"
        effect = max(change.effect for change in unexplained)
        if effect < thresholds.max_effect:
            return Verdict("refused", reason)
        return Verdict("refused", reason, effect, thresholds.max_effect)
    if not found:
        reason = f"fewer than {MIN_ROWS} rows on a side: too few to compare"
        return Verdict("inconclusive", reason)
    reason = f"no column drifted without a reason, the largest effect is {largest:.2f}"
    return Verdict("passed", reason, largest, thresholds.max_effect)


def drift_columns(evidence: Evidence) -> list[str]:
    """Return the columns of a request that have a distribution: no ids, and not the time.

    Nor columns about a person, since git would keep their values.
    """
    data = evidence.config.data
    without = {*data.ids, data.time, data.group}
    names = [str(name) for name in request_columns(evidence.test)]
    without.update(name for name in names if is_about_a_person(team.request(), name))
    return [name for name in names if name not in without]


def summaries(evidence: Evidence) -> dict[str, Summary]:
    """Return what is kept of each column of a request, to compare later data with.

    Args:
        evidence: Both tables.
    """
    table = pd.concat([evidence.train, evidence.test], ignore_index=True)
    n_rows = independent_rows(evidence.config, table)
    return {name: summarize(table[name], n_rows) for name in drift_columns(evidence)}


def _comparisons(evidence: Evidence, table: pd.DataFrame, columns: list[str]) -> Iterator[Change]:
    """Every comparison of one column between two sets of rows that are large enough."""
    time = evidence.config.data.time
    sides: list[tuple[str, pd.DataFrame, pd.DataFrame]] = []
    if time is None:
        sides.append(("in the test rows", evidence.train, evidence.test))
    else:
        for before, after in pairwise(_periods(table, time)):
            # A date is written without its midnight; a year is a number.
            begin = str(after[time].min()).removesuffix(" 00:00:00")
            sides.append((f"from {begin}", before, after))
    for when, before, after in sides:
        n_before = independent_rows(evidence.config, before)
        n_after = independent_rows(evidence.config, after)
        if min(n_before, n_after) < MIN_ROWS:
            continue
        for name in columns:
            summary = summarize(before[name], n_before)
            yield compare(name, summary, after[name], n_after, when)
    n_rows = independent_rows(evidence.config, table)
    for name, summary in evidence.recorded.get("columns", {}).items():
        if name in columns and min(summary["n_independent"], n_rows) >= MIN_ROWS:
            yield compare(name, summary, table[name], n_rows, SINCE_CHAMPION)


def _periods(table: pd.DataFrame, time: str) -> list[pd.DataFrame]:
    """The rows with a time in order, cut where it changes, each part of at least MIN_ROWS rows."""
    rows = table[table[time].notna()].sort_values(time)
    least = max(MIN_ROWS, len(rows) // MAX_PERIODS)
    periods = []
    begin = 0
    # Rows of one time stay together.
    ends = np.flatnonzero(rows[time].to_numpy()[1:] != rows[time].to_numpy()[:-1]) + 1
    for end in [*ends, len(rows)]:
        if end - begin >= least:
            periods.append(rows.iloc[begin:end])
            begin = end
    if periods and begin < len(rows):
        # The newest rows are too few for a period of their own, and matter most.
        periods[-1] = pd.concat([periods[-1], rows.iloc[begin:]])
    return periods


def _changed_score(evidence: Evidence) -> str:
    """Say that the champion scores otherwise than at its promotion, beyond what chance allows."""
    recorded = evidence.recorded
    version = evidence.champion_version
    if version is None or recorded.get("metric") != evidence.config.selection.metric:
        return ""
    champion = evidence.champion_if_scored
    if champion is None or recorded["sha256"] != version.tags.get("sha256"):
        return ""
    score = evidence.rows.score(champion)
    # The difference of two scores has the root of two times the error of one, and a champion was
    # chosen for a high score: by that alone one in seven sound retrainings was refused.
    margin = 2 * (recorded["score"] - recorded["low"])
    # Better too: somebody may have taken out the rows that are hard.
    if abs(score - recorded["score"]) <= margin:
        return ""
    return (
        f"the champion, version {version.number}, scores {score:.3f} on these rows, and at its "
        f"promotion {recorded['score']:.3f} [{recorded['low']:.3f}, {recorded['high']:.3f}]: the "
        "model is the same, so the data changed"
    )
