"""The data is what it was: from month to month, on both sides of the split, since the champion."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types
from scipy.stats import chi2_contingency, false_discovery_control, kstwobign

from .. import team
from ..bounds import Drift
from ..data import entity_column
from ..data.validation import is_about_a_person
from ..modeling.inputs import request_columns
from . import SCORE, Verdict, new_reasons, problem_of_reasons

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

Summary = dict[str, Any]
"""What is kept of a column: the number of independent rows, the share of gaps, and quantiles or
counts of values."""

MIN_ROWS = 200
"""On fewer rows a test misses what matters."""

MAX_PERIODS = 8
"""Time is cut into so many periods at most, which follow each other."""

N_QUANTILES = 20
"""Of a number, equally far apart; at them two distributions are compared."""

MAX_VALUES = 50
"""Of a category, the commonest. Where they are not even half of the rows, nothing is compared."""

SIGNIFICANCE = 0.05
"""After the correction for many columns (Benjamini and Hochberg, 1995)."""

SINCE_CHAMPION = "since the champion"

N_LISTED = 4
"""At most so many changes are named, the largest first."""


class Change(NamedTuple):
    """How one column differs between two tables; `text` says it in words."""

    column: str
    effect: float  # Kolmogorov-Smirnov statistic of numbers, Cramér's V of categories: 0 to 1
    p_value: float
    missing: float  # by how much the share of gaps grew; negative if it shrank
    text: str
    when: str


def drift(evidence: Evidence) -> Verdict:
    """Compare the columns of a request over time, across the split, and with the champion's.

    A column changed if the test is significant after the correction for many columns and the effect
    is large, or if the share of gaps changed much. A change needs a reason in
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
    changes = _changed(found, thresholds)
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
    reason = f"no column changed without a reason, the largest effect is {largest:.2f}"
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
    n_rows = _independent_rows(evidence, table)
    return {name: _summarize(table[name], n_rows) for name in drift_columns(evidence)}


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
        n_before = _independent_rows(evidence, before)
        n_after = _independent_rows(evidence, after)
        if min(n_before, n_after) < MIN_ROWS:
            continue
        for name in columns:
            summary = _summarize(before[name], n_before)
            yield _compare(name, summary, after[name], n_after, when)
    n_rows = _independent_rows(evidence, table)
    for name, summary in evidence.recorded.get("columns", {}).items():
        if name in columns and min(summary["n_independent"], n_rows) >= MIN_ROWS:
            yield _compare(name, summary, table[name], n_rows, SINCE_CHAMPION)


def _independent_rows(evidence: Evidence, rows: pd.DataFrame) -> int:
    """How many rows say something new: of one person or thing they are alike."""
    entity = entity_column(evidence.config, rows)
    return int(rows[entity].nunique()) if entity else len(rows)


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


def _is_number(values: pd.Series) -> bool:
    return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)


def _summarize(values: pd.Series, n_independent: int) -> Summary:
    """Keep of a column what a later one can be compared with, as JSON has it."""
    present = values.dropna()
    summary: Summary = {
        "n_independent": n_independent,
        "missing": round(float(values.isna().mean()), 6),
    }
    if types.is_datetime64_any_dtype(values):
        return summary | {"quantiles": [], "reached": []}  # dates go on by nature; gaps do not
    if _is_number(present):
        numbers = present.astype(float).to_numpy()
        shares = np.linspace(0, 1, N_QUANTILES + 1)
        quantiles = np.unique(np.quantile(numbers, shares)) if len(numbers) else np.array([])
        # Not the shares themselves, since many rows may have the value of a quantile.
        reached = [float((numbers <= value).mean()) for value in quantiles]
        return summary | {"quantiles": quantiles.tolist(), "reached": reached}
    counts = present.astype(str).value_counts().head(MAX_VALUES)
    if counts.sum() < len(present) / 2:
        counts = counts.head(0)  # names, codes, free text: hardly a value comes back
    return summary | {"counts": {str(value): int(n) for value, n in counts.items()}}


def _compare(
    name: str, before: Summary, values: pd.Series, n_independent: int, when: str
) -> Change:
    """Compare later values of a column, from so many independent rows, with what is kept of it."""
    after = _summarize(values, n_independent)
    missing = after["missing"] - before["missing"]
    if "quantiles" in before and "quantiles" in after:
        effect, p_value, text = 0.0, 1.0, "nothing to compare"
        if before["quantiles"] and after["quantiles"]:
            effect, p_value, text = _compare_numbers(before, values, _n_present(after))
    elif "counts" in before and "counts" in after:
        effect, p_value, text = _compare_categories(before, after)
    else:
        effect, p_value, text = 1.0, 0.0, "numbers on one side, categories on the other"
    gaps = f"gaps {before['missing']:.0%} to {after['missing']:.0%}" if missing else ""
    details = ", ".join(filter(None, (text, gaps)))
    text = f"{name} {when} differs with effect {effect:.2f}, {details}"
    return Change(name, effect, p_value, missing, text, when)


def _n_present(summary: Summary) -> float:
    """The number of independent rows that have a value."""
    return float(summary["n_independent"] * (1 - summary["missing"]))


def _compare_numbers(
    before: Summary, values: pd.Series, n_after: float
) -> tuple[float, float, str]:
    """The Kolmogorov-Smirnov test, at the quantiles that are known of the other side."""
    present = values.dropna()
    numbers = np.sort(present.astype(float).to_numpy())
    quantiles = np.array(before["quantiles"])
    reached = np.searchsorted(numbers, quantiles, side="right") / len(numbers)
    effect = float(np.abs(reached - np.array(before["reached"])).max())
    n_before = _n_present(before)
    harmonic = n_before * n_after / (n_before + n_after)
    p_value = float(kstwobign.sf(effect * np.sqrt(harmonic)))
    median = float(np.interp(0.5, before["reached"], quantiles))
    return effect, p_value, f"median {median:.4g} to {np.median(numbers):.4g}"


def _compare_categories(before: Summary, after: Summary) -> tuple[float, float, str]:
    """The chi-squared test of how often each value is there."""
    names = sorted(before["counts"].keys() | after["counts"].keys())
    if len(names) < 2:
        return 0.0, 1.0, "one value"
    counts = np.array([[side["counts"].get(name, 0) for name in names] for side in (before, after)])
    if (counts.sum(axis=1) == 0).any():
        return 0.0, 1.0, "nothing to compare"
    # As many as there are independent rows: those of one person say the same again and again.
    independent = np.array([[_n_present(before)], [_n_present(after)]])
    counts = counts / counts.sum(axis=1, keepdims=True) * independent
    test = chi2_contingency(counts)
    effect = float(np.sqrt(test.statistic / counts.sum()))
    shares = counts / counts.sum(axis=1, keepdims=True)
    most = int(np.abs(shares[1] - shares[0]).argmax())
    text = f"{names[most]!r} {shares[0, most]:.0%} to {shares[1, most]:.0%}"
    return effect, float(test.pvalue), text


def _changed(found: list[Change], thresholds: Drift) -> list[Change]:
    """The changes that are large and no accident, the largest first."""
    if not found:
        return []
    p_values = np.clip([change.p_value for change in found], 0, 1)
    adjusted = false_discovery_control(p_values)
    changed = []
    for change, p_value in zip(found, adjusted, strict=True):
        is_shifted = p_value < SIGNIFICANCE and change.effect >= thresholds.max_effect
        if is_shifted or abs(change.missing) > thresholds.max_missing:
            changed.append(change)
    # A column that became empty has no effect to speak of, and is the largest change of all.
    return sorted(changed, key=lambda change: -max(change.effect, abs(change.missing)))


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
