"""Predictions that are made once are scored as the model itself is."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling import metrics
from churn_radar.mlops.modeling.predictions import cache_predictions
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

RNG = np.random.default_rng(1)
FEATURES = pd.DataFrame(RNG.normal(size=(90, 3)), columns=["a", "b", "c"])
NUMBERS = FEATURES["a"] * 2 + RNG.normal(size=90)
LABELS = pd.Series(np.where(NUMBERS > 0, "yes", "no"))
THREE = pd.qcut(NUMBERS, 3, labels=["low", "middle", "high"]).astype(str)


def scored(metric: str, task: str) -> Config:
    return Config.model_validate(
        {
            "task": task,
            "seed": 7,
            "data": {"name": "people", "raw": "data/raw/people_raw.csv", "target": "label"},
            "selection": {"metric": metric},
            "model": {"name": "radar"},
        }
    )


@pytest.fixture(autouse=True)
def _few() -> Iterator[None]:
    with mock.patch.object(metrics, "N_RESAMPLES", 20):
        yield


@pytest.mark.parametrize(
    ("metric", "estimator", "target"),
    [
        ("roc_auc", LogisticRegression(), LABELS),
        ("roc_auc", LinearSVC(), LABELS),
        ("neg_log_loss", RandomForestClassifier(5, random_state=1), LABELS),
        ("accuracy", LinearSVC(), THREE),
        ("f1_macro", LogisticRegression(), THREE),
        ("roc_auc_ovr", RandomForestClassifier(5, random_state=1), THREE),
        ("r2", Ridge(), NUMBERS),
        ("neg_mean_absolute_error", Ridge(), NUMBERS),
    ],
)
def test_resamples_are_scored_as_by_the_model_itself(
    metric: str, estimator: BaseEstimator, target: pd.Series
) -> None:
    model = make_pipeline(StandardScaler(), estimator).fit(FEATURES, target)
    cached = cache_predictions(model, FEATURES)
    found = metrics.bootstrap(metric, cached, target.to_numpy(), np.arange(90), 7)
    rng, expected = np.random.default_rng(7), []
    for _ in range(20):
        rows = rng.integers(0, 90, 90)
        expected.append(get_scorer(metric)(model, FEATURES.iloc[rows], target.iloc[rows]))
    np.testing.assert_allclose(found, expected)


def test_the_model_predicts_once_however_many_resamples_there_are() -> None:
    class Counting(Ridge):
        calls = 0

        def predict(self, x: np.ndarray) -> np.ndarray:
            Counting.calls += 1
            return np.asarray(super().predict(x))

    model = make_pipeline(Counting()).fit(FEATURES, NUMBERS)
    metrics.measure(scored("r2", "regression"), model, FEATURES, NUMBERS)
    assert Counting.calls == 1


def test_probabilities_are_predicted_once_for_all_metrics() -> None:
    class Counting(DummyClassifier):
        calls = 0

        def predict_proba(self, x: np.ndarray) -> np.ndarray:
            Counting.calls += 1
            return np.asarray(super().predict_proba(x))

    model = make_pipeline(Counting(strategy="constant", constant="no")).fit(FEATURES, LABELS)
    report = metrics.measure(scored("accuracy", "classification"), model, FEATURES, LABELS)
    assert Counting.calls == 1
    assert report["log_loss"] > 1


def test_sparse_columns_are_scored_too() -> None:
    words = pd.DataFrame({"a": ["x", "y"] * 45})
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(words, LABELS)
    report = metrics.measure(scored("roc_auc", "classification"), model, words, LABELS)
    assert report["roc_auc_low"] <= report["roc_auc"] <= report["roc_auc_high"]


def test_a_metric_that_is_undefined_on_most_resamples_is_refused() -> None:
    few, rare = FEATURES.head(6), pd.Series(["no"] * 5 + ["yes"])
    model = make_pipeline(LogisticRegression()).fit(few, rare)
    with pytest.raises(ProjectError, match="a class is too rare"):
        metrics.measure(scored("roc_auc", "classification"), model, few, rare)


def test_calibration_compares_means_in_equal_bins() -> None:
    table = metrics.calibration(np.linspace(0, 1, 100), np.linspace(0, 1, 100) > 0.5)
    assert len(table) == 10
    assert table["observed"].iloc[[0, -1]].tolist() == [0, 1]


def test_predictions_of_each_kind_become_two_numbers() -> None:
    rows, three = pd.DataFrame({"x": range(3)}), pd.Series(["a", "b", "b"])
    classes = DummyClassifier(strategy="prior").fit(rows, three)
    predicted, observed = metrics.predicted_and_observed(classes, rows, pd.Series(["a", "b", "c"]))
    assert predicted.shape == observed.shape == (3,)
    numbers = DummyRegressor().fit(rows, range(3))
    predicted, _ = metrics.predicted_and_observed(numbers, rows, pd.Series(range(3)))
    assert predicted.tolist() == [1, 1, 1]


def test_a_class_that_was_never_learned_costs_most() -> None:
    rows = pd.DataFrame({"x": range(4)})
    model = DummyClassifier(strategy="prior").fit(rows, [0, 0, 1, 1])
    assert metrics.log_loss(model, rows, pd.Series([0, 1, 0, 1])) == pytest.approx(np.log(2))
    assert metrics.log_loss(model, rows.head(1), pd.Series([2])) == pytest.approx(-np.log(1e-15))
