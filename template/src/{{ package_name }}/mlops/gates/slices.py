"""The model is good on every slice, and no worse there than the champion."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import ProjectError
from ..evaluation.scores import Rows
from ..evaluation.slices import slice_masks
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

NAMED = 4
"""So many slices are named, the worst first."""


class Finding(NamedTuple):
    """What a slice says; sorted, the worst comes first."""

    skill: float
    told: str
    status: str


def check(evidence: Evidence) -> Verdict:
    """Slices are the values of the columns in data.slices and data.sensitive.

    By 95 % intervals of the bootstrap, a slice refuses if it is not shown to reach its floor and
    is shown to be worse than the whole; or if it is worse than the champion by more than the
    margin and is shown to be worse. So ruin refuses, and the noise of a small slice does not. A
    critical slice refuses as soon as it is not shown to reach its floor.
    """
    bounds, data = evidence.config.gates.slices, evidence.config.data
    columns = list(dict.fromkeys([*data.slices, *data.sensitive]))
    slices = {
        "=".join(name): evidence.rows.slice(mask)
        for name, mask in slice_masks(evidence.test, columns).items()
    }
    if strangers := [name for name in bounds.critical if name not in slices]:
        near = get_close_matches(strangers[0], slices, cutoff=0.1)
        raise ProjectError(
            f"gates.slices.critical: the held-out rows have no slice {', '.join(strangers)}; "
            f"near it: {', '.join(near) or 'none, see data.slices'}"
        )
    whole = evidence.rows.skill(evidence.rows.score(evidence.candidate))
    found = sorted(_judge(evidence, name, rows, whole) for name, rows in slices.items())
    bad = [f for f in found if f.status == "refused"]
    unclear = [f for f in found if f.status == "inconclusive"]
    good = [f for f in found if f.status == "passed"]
    if bad:
        mend = "reports/report.html shows them; learn from more such rows, or tell them apart"
        return Verdict("refused", f"{_told(bad)}: {mend}", bad[0].skill, bounds.skill)
    doubt = f"; inconclusive: {_told(unclear)}" if unclear else ""
    if not good:
        return Verdict("inconclusive", f"no slice in data.slices can be judged{doubt}")
    told = f"{len(good)} of {len(found)} slices hold, the weakest: {good[0].told}{doubt}"
    return Verdict("passed", told, good[0].skill, bounds.skill)


def _judge(evidence: Evidence, name: str, rows: Rows, whole: float) -> Finding:
    bounds, champion = evidence.config.gates.slices, evidence.champion
    doubt = "refused" if name in bounds.critical else "inconclusive"
    if len(rows.numbers) < bounds.min_rows:
        told = f"{name} has {len(rows.numbers)} rows, fewer than {bounds.min_rows}"
        return Finding(0.0, told, doubt)
    skill, low, high = rows.estimate(evidence.candidate)
    if not np.isfinite([skill, low]).all():
        return Finding(0.0, f"{name} leaves {rows.metric} undefined", doubt)
    told = f"{name} has skill {skill:.2f} [{low:.2f}, {high:.2f}] on {len(rows.numbers):,} rows"
    if low < bounds.skill:
        told += f", not shown to reach {bounds.skill}"
        ruined = high < max(whole, bounds.skill)
        return Finding(skill, told, "refused" if ruined else doubt)
    if champion is not None and rows.skill(rows.score(champion)) - skill > bounds.margin:
        lost, least, _ = rows.advantage(champion, evidence.candidate)
        if least > 0:
            told += f", {lost:.2f} less than the champion's; {bounds.margin} may be lost"
            return Finding(skill, told, "refused")
    return Finding(skill, told, "passed")


def _told(findings: list[Finding]) -> str:
    more = f"; {len(findings) - NAMED} more" if len(findings) > NAMED else ""
    return "; ".join(finding.told for finding in findings[:NAMED]) + more
