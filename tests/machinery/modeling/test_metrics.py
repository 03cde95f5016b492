"""Metrics on the test set and their uncertainty, on numbers whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.metrics import (
    calibration,
    log_loss,
    measure,
    predicted_and_observed,
)
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


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
    assert predicted_and_observed(numbers, rows, pd.Series(range(3)))[0].tolist() == [1, 1, 1]


def test_a_class_that_was_never_learned_costs_most() -> None:
    rows = pd.DataFrame({"x": range(4)})
    model = DummyClassifier(strategy="prior").fit(rows, [0, 0, 1, 1])
    assert log_loss(model, rows, pd.Series([0, 1, 0, 1])) == pytest.approx(np.log(2))
    assert log_loss(model, rows.head(1), pd.Series([2])) == pytest.approx(-np.log(1e-15))


@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_a_metric_that_most_resamples_leave_undefined_is_refused(config: Config) -> None:
    selection = config.selection.model_copy(update={"metric": "roc_auc"})
    settings = config.model_copy(update={"task": "classification", "selection": selection})
    rows, target = pd.DataFrame({"x": range(40)}), pd.Series([1] + [0] * 39)
    model = make_pipeline(StandardScaler(), DummyClassifier(strategy="prior")).fit(rows, target)
    with pytest.raises(ProjectError, match="roc_auc is undefined on the test set"):
        measure(settings, model, rows, target)
