"""Scores on the scale of skill, with intervals as wide as theory says."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import (
    CachedClassifier,
    CachedRegressor,
    Rows,
    cache_predictions,
    proper_skill,
    rows_of,
)
from sklearn.metrics import brier_score_loss, r2_score


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


def test_a_rate_without_an_error_is_not_sure_to_be_perfect() -> None:
    truth = np.arange(400) % 2
    rows = Rows("accuracy", truth, classes(np.zeros(400, int), 2), np.arange(400), 0)
    skill, low, high = rows.estimate(classes(truth, 2))
    assert (skill, high) == pytest.approx((1, 1))
    # Wilson: of 400 rows without an error the accuracy is at least 400 / (400 + 1.96²).
    assert low == pytest.approx((400 / (400 + 1.96**2) - 0.5) / 0.5, abs=1e-3)


def test_a_perfect_baseline_leaves_no_skill() -> None:
    rows = Rows("r2", np.ones(400), CachedRegressor(np.ones(400)), np.arange(400), 0)
    assert np.isnan(rows.skill(1.0))


def test_a_prediction_that_is_no_number_is_refused() -> None:
    with pytest.raises(ProjectError, match="no finite number in 3 of its rows"):
        cache_predictions(CachedRegressor(np.array([np.inf, -np.inf, np.nan])), np.arange(3))


@pytest.mark.parametrize(
    ("metric", "best"),
    [("accuracy", 0.75), ("recall", 1.0), ("f1", 0.4), ("roc_auc", 0.5), ("neg_log_loss", -0.562)],
)
def test_no_skill_is_what_the_best_constant_has(metric: str, best: float, config: Config) -> None:
    target = pd.Series(np.arange(400) % 4 == 0).astype(int)
    selection = config.selection.model_copy(update={"metric": metric})
    rows = rows_of(config.model_copy(update={"selection": selection}), target, target)
    assert rows.baseline_score == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize(
    ("metric", "best"),
    [("neg_mean_absolute_error", -2.5), ("r2", 0.0), ("neg_median_absolute_error", 0)],
)
def test_no_skill_of_a_number_is_the_mean_or_the_median(
    metric: str, best: float, config: Config
) -> None:
    target = pd.Series([0.0, 0.0, 0.0, 10.0])
    selection = config.selection.model_copy(update={"metric": metric})
    regression = config.model_copy(update={"selection": selection, "task": "regression"})
    assert rows_of(regression, target, target).baseline_score == pytest.approx(best)


def test_a_proper_skill_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    predictions = truth + rng.normal(scale=0.3, size=200)
    rows = Rows("r2", truth, CachedRegressor(np.zeros(200)), np.arange(200), 0)
    name, skill = proper_skill(rows, CachedRegressor(predictions)) or ("", 0)
    assert (name, skill) == ("squared error", pytest.approx(r2_score(truth, predictions)))

    labels = (truth > 0.5).astype(int)
    shares = np.clip(labels * 0.6 + rng.random(200) * 0.4, 0, 1)
    model = CachedClassifier(labels, np.column_stack([1 - shares, shares]), np.array([0, 1]))
    constant = brier_score_loss(labels, np.full(200, labels.mean()))
    by_label = Rows("roc_auc", labels, model, np.arange(200), 0)
    name, skill = proper_skill(by_label, model) or ("", 0)
    expected = 1 - brier_score_loss(labels, shares) / constant
    assert (name, skill) == ("Brier score", pytest.approx(expected))
