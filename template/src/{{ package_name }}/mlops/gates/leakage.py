"""Nothing that the model learns from holds the answer, or who somebody is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from scipy.stats import binom

from .. import team
from ..data.validation import personal_columns
from ..modeling.inputs import feature_table
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

ROWS = 1_000
CHANCE = 1e-3
"""How rarely chance alone may put so many copies on both sides."""


def check(evidence: Evidence) -> Verdict:
    """Held-out rows are new, no feature gives the answer away, none reads what it must not."""
    bound = evidence.config.gates.leakage.max_skill
    alone = {name: facts["univariate"] for name, facts in evidence.challenge["features"].items()}
    most = max(alone, key=lambda name: alone[name])
    for reason in (*_shared(evidence), *_forbidden(evidence)):
        return Verdict("refused", reason)
    told = f"{most} alone has a skill of {alone[most]:.3f}"
    if alone[most] > bound:
        mend = "if it is known only after the outcome, take it out of features.py"
        return Verdict("refused", f"{told}, more than {bound}: {mend}", alone[most], bound)
    return Verdict("passed", f"held-out rows are new; {told}, the most of all", alone[most], bound)


def _shared(evidence: Evidence) -> Iterator[str]:
    """What is both learned from and held out.

    In a table without ids equal rows may well be of different things: then so many held-out rows
    may have a twin to learn from as rows to learn from have one among themselves.
    """
    data, train, test = evidence.config.data, evidence.train, evidence.test
    learned, held = (pd.util.hash_pandas_object(rows, index=False) for rows in (train, test))
    twins, seen = int(learned.duplicated(keep=False).sum()), int(held.isin(learned).sum())
    share = (twins + 1) / (len(train) + 1)
    tolerated = 0 if data.ids and not twins else binom.isf(CHANCE, len(test), share)
    if seen > tolerated:
        yield (
            f"{seen:,} of {len(test):,} held-out rows were learned from too, where {tolerated:.0f} "
            "would be chance: `dvc repro` makes the split anew; if that does not help, the raw "
            "table holds copies"
        )
    if data.group and (both := len({*train[data.group]} & {*test[data.group]})):
        yield f"{both:,} groups of {data.group} are learned from and held out: `dvc repro`"
    if data.time and train[data.time].max() >= test[data.time].min():
        yield f"rows to learn from are as late by {data.time} as held-out ones: `dvc repro`"


def _forbidden(evidence: Evidence) -> Iterator[str]:
    """Features that read an id, the target, a sensitive or a personal column, or bear its name."""
    data, rows = evidence.config.data, evidence.train.head(ROWS)
    personal = personal_columns(team.raw_table())
    banned = {data.target: "the target"} | dict.fromkeys(data.ids, "an id")
    banned |= dict.fromkeys(data.sensitive, "sensitive") | dict.fromkeys(personal, "personal")
    names, plain = {*evidence.model[:-1].feature_names_in_}, feature_table(team.features(), rows)
    for column in [name for name in banned if name in rows]:
        # Other values in the column change what reads it.
        other = feature_table(team.features(), rows.assign(**{column: rows[column].array[::-1]}))
        readers = [name for name in plain if not plain[name].equals(other[name])]
        if column in names or readers:
            which = f"the feature {readers[0] if readers else column} reads {column}"
            yield f"{which}, which is {banned[column]}: take it out of features.py"
