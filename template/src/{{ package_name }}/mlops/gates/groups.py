"""No sensitive group is treated much worse than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..evaluation.groups import group_gaps
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def groups(evidence: Evidence) -> Verdict:
    """Compare the gaps between sensitive groups with gates.groups.max_gap.

    A gap counts by the lower confidence bound of its 95 % interval, for each sensitive column and
    measure, so that noise between small groups does not refuse.

    Args:
        evidence: The candidate's predictions for the test set, and its sensitive columns.

    Returns:
        A verdict with the largest lower confidence bound and the largest gap allowed;
        inconclusive if there are no two groups that are large enough.
    """
    thresholds = evidence.config.gates.groups
    if not evidence.config.data.sensitive:
        reason = (
            "params.yaml declares no sensitive column: name those that you know in data.sensitive"
        )
        return Verdict("inconclusive", reason)
    gaps = group_gaps(
        evidence.config, evidence.test, evidence.rows.truth, evidence.cached_candidate
    )
    is_clear = gaps["status"] == "ok"
    doubt = _doubt(gaps[~is_clear])
    clear = gaps[is_clear].sort_values("low", ascending=False, kind="stable")
    if clear.empty:
        return Verdict("inconclusive", f"no two groups have {thresholds.min_rows} rows{doubt}")
    largest = float(clear["low"].iloc[0])
    wide = clear[clear["low"] > thresholds.max_gap]
    if wide.empty:
        described = _describe(clear.head(1))
        reason = f"no gap is shown to exceed {thresholds.max_gap}, the largest: {described}{doubt}"
        return Verdict("passed", reason, largest, thresholds.max_gap)
    reason = (
        f"{_describe(wide)}; up to {thresholds.max_gap} is allowed: find out why the model serves "
        "these groups worse, or raise gates.groups.max_gap and say why in docs/model-card.md"
    )
    return Verdict("refused", reason, largest, thresholds.max_gap)


def _doubt(unclear: pd.DataFrame) -> str:
    """A clause that names the columns with too few rows; empty if there are none."""
    if unclear.empty:
        return ""
    columns = ", ".join(unclear["column"].unique())
    return f"; inconclusive for {columns}, too few rows"


def _describe(gaps: pd.DataFrame) -> str:
    phrases = []
    for gap in gaps.itertuples():
        highest = f"{gap.highest} {gap.highest_value:.2f}"
        lowest = f"{gap.lowest} {gap.lowest_value:.2f}"
        phrases.append(
            f"{gap.measure} of {gap.column}: {highest}, {lowest}, "
            f"lower confidence bound of the gap {gap.low:.2f}"
        )
    return "; ".join(phrases)
