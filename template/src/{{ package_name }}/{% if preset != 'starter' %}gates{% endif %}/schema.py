"""The rows hold their schema, and the model reads what the schema and the registry name."""

import pandas as pd

from ..features import FEATURES
from ..pipeline.validate import checked
from ..schemas import RawTable
from . import Verdict
from .evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Both tables pass schemas.py again; the model's inputs are those of features.py."""
    table = checked(RawTable, pd.concat([evidence.train, evidence.test], ignore_index=True))
    kinds = {feature.name: feature.kind for feature in FEATURES}
    if kinds != evidence.passport["features"]:
        differ = sorted(kinds.items() ^ evidence.passport["features"].items())
        return Verdict(
            "refused", f"features.py and the model differ in {differ[0][0]}: train again"
        )
    rows, columns = evidence.features.shape
    return Verdict("passed", f"{len(table):,} rows hold the schema, {columns} features on {rows:,}")
