"""The rows hold their schema, and the model reads what the schema and the registry name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .. import team
from ..data.validation import checked
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Both tables pass schemas.py again; the model's inputs are those of features.py."""
    table = checked(team.raw_table(), pd.concat([evidence.train, evidence.test], ignore_index=True))
    kinds = {feature.name: feature.kind for feature in team.features()}
    if kinds != evidence.manifest["features"]:
        differ = sorted(kinds.items() ^ evidence.manifest["features"].items())
        return Verdict(
            "refused", f"features.py and the model differ in {differ[0][0]}: train again"
        )
    rows, columns = evidence.features.shape
    return Verdict("passed", f"{len(table):,} rows hold the schema, {columns} features on {rows:,}")
