"""Gate `floor`: even the lower end of the interval must reach it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.scores import CachedClassifier, CachedRegressor, rows_of
from churn_radar.mlops.gates import worth
from machinery.gates.known import TRUTH


def test_the_floor_holds_for_the_lower_end(known: SimpleNamespace) -> None:
    assert worth.floor(known).status == "passed"
    known.measured["r2_low"] = -0.1
    verdict = worth.floor(known)
    assert verdict.status == "refused"
    assert verdict.value == pytest.approx(-0.1, abs=0.01)
    known.measured["r2_low"] = float("nan")
    assert worth.floor(known).status == "refused"


def test_a_score_that_flatters_is_refused(known: SimpleNamespace) -> None:
    # Ranks rows perfectly, and is far from every number.
    known.cached_candidate = CachedRegressor(TRUTH * 100)
    verdict = worth.floor(known)
    assert verdict.status == "refused"
    assert "error it is no better than a constant" in verdict.reason


def recall(config: Config, known: SimpleNamespace, shown: np.ndarray) -> SimpleNamespace:
    """Evidence about a classifier that is selected by recall."""
    selection = config.selection.model_copy(update={"metric": "recall"})
    known.config = config.model_copy(update={"selection": selection})
    truth = pd.Series(np.arange(400) % 4 == 0).astype(int)
    known.rows = rows_of(known.config, truth, truth)
    predictions = (shown > 0.5).astype(int)
    probabilities = np.column_stack([1 - shown, shown])
    known.cached_candidate = CachedClassifier(predictions, probabilities, np.array([0, 1]))
    known.measured = {"recall": 1.0, "recall_low": 1.0, "recall_high": 1.0}
    return known


def test_recall_of_an_all_positive_classifier_is_refused(
    config: Config, known: SimpleNamespace
) -> None:
    verdict = worth.floor(recall(config, known, np.full(400, 0.9)))
    assert verdict.status == "refused"
