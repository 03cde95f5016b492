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
from churn_radar.mlops.modeling.predictions import CachedClassifier, cache_predictions
from churn_radar.mlops.pipeline.evaluate import calibration, predicted_and_observed
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    get_scorer,
    mean_absolute_error,
    mean_absolute_percentage_error,
    precision_score,
    recall_score,
    roc_auc_score,
)
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


@given(
    probabilities=arrays(float, 12, elements=st.sampled_from([0.0, 0.1, 0.5, 0.5 + 1e-9, 1.0])),
    outcomes=st.lists(st.sampled_from(["no", "yes"]), min_size=12, max_size=12),
)
def test_roc_auc_is_scikit_learns(probabilities: np.ndarray, outcomes: list[str]) -> None:
    truth = np.array(outcomes, dtype=object)
    both = np.column_stack([1 - probabilities, probabilities])
    model = CachedClassifier(np.array(outcomes), both, np.array(["no", "yes"]))
    found = metrics.score_rows("roc_auc", model, truth, np.arange(12))
    if len(set(outcomes)) == 1:
        assert np.isnan(found)
        return
    assert found == pytest.approx(roc_auc_score(truth, probabilities), abs=1e-12)


@pytest.mark.parametrize("outcomes", [["no", "yes", "maybe"], ["no", "maybe", "maybe"]])
def test_roc_auc_is_undefined_with_a_class_that_the_model_does_not_know(
    outcomes: list[str],
) -> None:
    model = CachedClassifier(np.array(["no"] * 3), np.full((3, 2), 0.5), np.array(["no", "yes"]))
    truth = np.array(outcomes, dtype=object)
    assert np.isnan(metrics.score_rows("roc_auc", model, truth, np.arange(3)))


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
    table = calibration(np.linspace(0, 1, 100), np.linspace(0, 1, 100) > 0.5)
    assert len(table) == 10
    assert table["observed"].iloc[[0, -1]].tolist() == [0, 1]


def test_predictions_of_each_kind_become_two_numbers() -> None:
    rows, three = pd.DataFrame({"x": range(3)}), pd.Series(["a", "b", "b"])
    classes = DummyClassifier(strategy="prior").fit(rows, three)
    predicted, observed = predicted_and_observed(classes, rows, pd.Series(["a", "b", "c"]))
    assert predicted.shape == observed.shape == (3,)
    numbers = DummyRegressor().fit(rows, range(3))
    predicted, _ = predicted_and_observed(numbers, rows, pd.Series(range(3)))
    assert predicted.tolist() == [1, 1, 1]


def test_a_class_that_was_never_learned_costs_most() -> None:
    rows = pd.DataFrame({"x": range(40)})
    model = make_pipeline(DummyClassifier(strategy="prior")).fit(rows, [0, 1] * 20)
    settings = scored("accuracy", "classification")
    known = metrics.measure(settings, model, rows, pd.Series([0, 1] * 20))
    assert known["log_loss"] == pytest.approx(np.log(2), abs=1e-6)
    unknown = metrics.measure(settings, model, rows, pd.Series([2] * 40))
    assert unknown["log_loss"] == pytest.approx(-np.log(1e-15), abs=1e-6)
    assert unknown["brier_score"] == pytest.approx(0.75)


def test_a_rare_class_gets_metrics_of_its_own_at_the_threshold_that_costs_give() -> None:
    rare = pd.Series((FEATURES["a"] > 1).astype(int).to_numpy())
    model = make_pipeline(LogisticRegression()).fit(FEATURES, rare)
    settings = scored("roc_auc", "classification")
    report = metrics.measure(settings, model, FEATURES, rare)
    predicted = model.predict_proba(FEATURES)[:, 1]
    expected = {
        "precision": precision_score(rare, predicted >= 0.5),
        "recall": recall_score(rare, predicted >= 0.5),
        "average_precision": average_precision_score(rare, predicted),
        "brier_score": brier_score_loss(rare, predicted),
    }
    assert {name: report[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert report["average_precision_baseline"] == pytest.approx(rare.mean(), abs=1e-6)
    for name in (*expected, "accuracy", "log_loss"):
        assert report[f"{name}_low"] <= report[name] <= report[f"{name}_high"]
    # To miss one costs nine times as much: more rows are named.
    costs = settings.costs.model_copy(update={"false_negative": 9})
    careful = metrics.measure(settings.model_copy(update={"costs": costs}), model, FEATURES, rare)
    assert careful["recall"] == pytest.approx(recall_score(rare, predicted >= 0.1), abs=1e-6)


@pytest.mark.parametrize("shift", [0, 100])
def test_an_amount_gets_its_error_as_a_share_beside_the_best_constant(shift: int) -> None:
    amounts = NUMBERS + shift
    model = make_pipeline(Ridge()).fit(FEATURES, amounts)
    report = metrics.measure(scored("r2", "regression"), model, FEATURES, amounts)
    share = "neg_mean_absolute_percentage_error"
    # A share of a number that may be 0 or less means nothing.
    assert (share in report) == (shift == 100)
    error = mean_absolute_error(amounts, np.full(90, amounts.median()))
    assert report["neg_mean_absolute_error_baseline"] == pytest.approx(-error, abs=1e-6)
    if shift:
        constants = np.linspace(amounts.min(), amounts.max(), 500)
        best = min(mean_absolute_percentage_error(amounts, np.full(90, c)) for c in constants)
        assert report[f"{share}_baseline"] == pytest.approx(-best, abs=1e-4)
