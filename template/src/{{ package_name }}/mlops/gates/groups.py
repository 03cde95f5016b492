"""No sensitive group is treated much worse than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..evaluation.groups import group_gaps
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """The lower end of the interval of the largest gap, for each column and measure."""
    bounds = evidence.config.gates.groups
    if not evidence.config.data.sensitive:
        why = "params.yaml declares no sensitive column: name those that you know in data.sensitive"
        return Verdict("inconclusive", why)
    gaps = group_gaps(evidence.config, evidence.test, evidence.rows.truth, evidence.candidate)
    clear = gaps[gaps["status"] == "ok"].sort_values("low", ascending=False, kind="stable")
    unclear = gaps[gaps["status"] != "ok"]["column"].unique()
    doubt = f"; inconclusive for {', '.join(unclear)}, too few rows" if len(unclear) else ""
    if clear.empty:
        return Verdict("inconclusive", f"no two groups have {bounds.min_rows} rows{doubt}")
    wide, widest = clear[clear["low"] > bounds.max_gap], float(clear["low"].iloc[0])
    told = "; ".join(
        f"{gap.measure} of {gap.column}: {gap.highest} {gap.highest_value:.2f}, "
        f"{gap.lowest} {gap.lowest_value:.2f}, surely {gap.low:.2f} apart"
        for gap in (clear.head(1) if wide.empty else wide).itertuples()
    )
    if wide.empty:
        told = f"no gap is surely over {bounds.max_gap}, the widest: {told}{doubt}"
        return Verdict("passed", told, widest, bounds.max_gap)
    told += f"; up to {bounds.max_gap} is allowed: learn more about the groups that lose by it, or"
    told += " raise gates.groups.max_gap and say why in docs/model-card.md"
    return Verdict("refused", told, widest, bounds.max_gap)
