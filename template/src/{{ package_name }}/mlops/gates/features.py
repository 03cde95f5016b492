"""Each feature is worth having: it beats chance, and costs little."""

from __future__ import annotations

import time
from difflib import get_close_matches
from statistics import median
from typing import TYPE_CHECKING

import pandas as pd

from .. import team
from ..features import Feature
from ..modeling.inputs import feature_table
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

ROWS = 1_000
REPEATS = 9


def check(evidence: Evidence) -> Verdict:
    """Useful or kept with a reason; computed within the bound, as measured now."""
    worth, bounds = evidence.challenge["features"], evidence.config.gates.features
    for name, reason in bounds.kept.items():
        if name not in worth:
            near = get_close_matches(name, worth, 1)
            hint = f": did you mean {near[0]}?" if near else ""
            return Verdict("refused", f"gates.features.kept: {name} is no feature{hint}")
        if not reason.strip():
            return Verdict("refused", f"gates.features.kept: say why {name} stays")
    useless = [name for name, facts in worth.items() if not facts["useful"]]
    if strays := [name for name in useless if name not in bounds.kept]:
        shadow = worth[strays[0]]["shadow"]
        which = f"{', '.join(strays)} {'are' if len(strays) > 1 else 'is'} no better than chance"
        alone, in_model = shadow["univariate"], shadow["importance"]
        chance = f"it reaches {alone:.3f} alone, {in_model:.3f} in the model"
        mend = "take them out of features.py, or say under gates.features.kept why they stay"
        return Verdict("refused", f"{which} ({chance}): {mend}")
    costs = {feature.name: microseconds(feature, evidence.train) for feature in team.features()}
    dearest = max(costs, key=lambda name: costs[name])
    cost, bound = costs[dearest], bounds.max_microseconds
    told = f"{dearest} costs {cost:,.0f} microseconds for 1,000 rows"
    if cost > bound:
        mend = "compute it in a simpler way, or before the raw table is written"
        return Verdict("refused", f"{told}, of at most {bound:,.0f}: {mend}", cost, bound)
    kept = f", {len(useless)} kept in spite" if useless else ""
    return Verdict("passed", f"{len(costs)} features{kept}; the dearest, {told}", cost, bound)


def microseconds(feature: Feature, rows: pd.DataFrame) -> float:
    """What a feature of 1,000 rows takes of one core, the median of some times."""
    rows, took = rows.head(ROWS), []
    for _ in range(REPEATS):
        began = time.process_time()
        feature_table([feature], rows)
        took.append(time.process_time() - began)
    return median(took) * 1e6 * ROWS / len(rows)
