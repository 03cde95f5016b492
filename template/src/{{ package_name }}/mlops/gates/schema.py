"""The rows hold their schema, and the model reads what the schema and the registry name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .. import team
from ..data.validation import checked
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


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
