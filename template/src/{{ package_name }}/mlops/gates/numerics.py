"""The model answers with finite numbers, whatever number it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..evaluation.scores import cache_predictions
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

EXTREMES = (0.0, 1e-300, 1e12, -1e12, float("nan"))


def check(evidence: Evidence) -> Verdict:
    """Held-out rows, then one row with each extreme in each column, and with it in all of them."""
    evidence.candidate  # noqa: B018 - refuses predictions that are not finite
    rows = extremes(evidence.features, evidence.manifest["features"])
    with np.errstate(all="ignore"):
        predicted = cache_predictions(evidence.model, rows)
    if hasattr(predicted, "probabilities"):
        worst = float(abs(predicted.probabilities.sum(axis=1) - 1).max())
        if worst > 1e-6:
            return Verdict("refused", "the probabilities of a row do not sum to 1", worst, 1e-6)
    return Verdict("passed", f"finite on the held-out rows and on {len(rows)} extreme ones")


def extremes(features: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Copies of the first row, each changed to something that no training row holds."""
    numeric = [name for name, kind in kinds.items() if kind == "numeric"]
    changes: list[dict[str, float | str]] = []
    for extreme in EXTREMES:
        changes.append(dict.fromkeys(numeric, extreme))
        changes.extend({name: extreme} for name in numeric)
    changes += [{name: "never seen"} for name in kinds if name not in numeric]
    first = features.head(1).astype(dict.fromkeys(numeric, float))
    rows = [first.assign(**changed) for changed in changes]
    return pd.concat(rows, ignore_index=True)
