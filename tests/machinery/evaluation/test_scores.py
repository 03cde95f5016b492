"""Scores on the scale of skill, with intervals as wide as theory says."""

import numpy as np
import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import (
    CachedClassifier,
    CachedRegressor,
    Rows,
    cache_predictions,
)


def classes(predicted: np.ndarray, count: int) -> CachedClassifier:
    return CachedClassifier(predicted, np.eye(count)[predicted], np.arange(count))


def test_an_interval_is_as_wide_as_theory_says() -> None:
    truth = np.arange(400) % 2
    right_in_four_of_five = classes(np.where(np.arange(400) % 5, truth, 1 - truth), 2)
    rows = Rows("accuracy", truth, classes(np.zeros(400, int), 2), np.arange(400), 0)
    skill, low, high = rows.estimate(right_in_four_of_five)
    assert skill == pytest.approx(0.6)  # from 0.5 to 0.8
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400) / 0.5
    assert (skill - low, high - skill) == pytest.approx((half, half), rel=0.3)
    assert rows.advantage(right_in_four_of_five, right_in_four_of_five) == (0, 0, 0)
    perfect = rows.estimate(classes(truth, 2))
    assert perfect == (1, 1, 1)


def test_a_perfect_baseline_leaves_no_skill() -> None:
    rows = Rows("r2", np.ones(400), CachedRegressor(np.ones(400)), np.arange(400), 0)
    assert np.isnan(rows.skill(1.0))


def test_a_prediction_that_is_no_number_is_refused() -> None:
    with pytest.raises(ProjectError, match="no finite number in 3 of its rows"):
        cache_predictions(CachedRegressor(np.array([np.inf, -np.inf, np.nan])), np.arange(3))
