"""Gate `numerics`: the model answers with finite numbers."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import numerics
from churn_radar.mlops.promotion.evidence import Evidence
from sklearn.base import BaseEstimator

TASKS = ("classification", "regression")


class Numb(BaseEstimator):
    """Predicts NaN wherever `when` says so."""

    def __init__(self, when: Callable[[pd.DataFrame], np.ndarray]) -> None:
        self.when = when

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.where(self.when(rows), np.nan, 1.0)


def test_predictions_that_are_no_numbers_are_refused(evidence: Evidence) -> None:
    assert numerics.numerics(evidence).status == "passed"
    for when in (
        lambda rows: np.arange(len(rows)) == 3,
        lambda rows: np.full(len(rows), len(rows) != len(evidence.test)),
    ):
        evidence.__dict__.pop("cached_candidate", None)
        evidence.__dict__["model"] = Numb(when)
        with pytest.raises(ProjectError, match="no finite number in"):
            numerics.numerics(evidence)


class Shares(BaseEstimator):
    """A classifier whose probabilities sum to 2."""

    classes_ = np.array([0, 1])

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(rows))

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.ones((len(rows), 2))


def test_probabilities_that_are_none_are_refused(evidence: Evidence) -> None:
    evidence.__dict__["model"] = Shares()
    assert "do not sum to 1" in numerics.numerics(evidence).reason


class Wild(Shares):
    """A classifier whose probabilities sum to 1, from -1 to 2."""

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.tile([2.0, -1.0], (len(rows), 1))


class Contrary(Shares):
    """A classifier that predicts the class that it holds for less probable, at times."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.arange(len(rows)) % 2

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        positive = np.where(self.predict(rows) == 1, 0.2, 0.8)
        return np.column_stack([1 - positive, positive])


class Careful(Contrary):
    """A classifier with a threshold of its own."""

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        positive = np.where(self.predict(rows) == 1, 0.3, 0.1)
        return np.column_stack([1 - positive, positive])


@pytest.mark.parametrize(
    ("model", "said"),
    [(Wild(), "not between 0 and 1: from -1 to 2"), (Contrary(), "not those that")],
)
def test_probabilities_that_contradict_are_refused(
    model: Shares, said: str, evidence: Evidence
) -> None:
    evidence.__dict__["model"] = model
    assert said in numerics.numerics(evidence).reason


def test_a_threshold_of_ones_own_is_sound(evidence: Evidence) -> None:
    evidence.__dict__["model"] = Careful()
    assert numerics.numerics(evidence).status == "passed"
