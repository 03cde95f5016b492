"""Scores of predictions that were made once, on the scale of skill, with their uncertainty."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import get_scorer

from ..config import Config
from ..errors import ProjectError
from ..modeling.metrics import quiet

DRAWS = 50
"""Enough for a standard error (Efron and Tibshirani, 1993, section 6.4); percentiles need more."""


class Numbers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a regressor whose predictions are known: it reads row numbers."""

    def __init__(self, predictions: np.ndarray) -> None:
        """One prediction a row."""
        self.predictions = predictions

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """The predictions of the rows with these numbers."""
        return self.predictions.take(rows)


class Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a classifier whose predictions are known: it reads row numbers."""

    def __init__(
        self, predictions: np.ndarray, probabilities: np.ndarray, classes: np.ndarray
    ) -> None:
        """A class a row; a probability a row and class; the classes in the order of the columns."""
        self.predictions, self.probabilities, self.classes_ = predictions, probabilities, classes

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """The classes of the rows with these numbers."""
        return self.predictions.take(rows)

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """The probabilities of the rows with these numbers, one column a class."""
        return self.probabilities.take(rows, axis=0)


Remembered = Numbers | Classes


def remember(model: BaseEstimator, features: pd.DataFrame) -> Remembered:
    """The model's predictions for `features`; ProjectError if one is no finite number."""
    predictions = np.asarray(model.predict(features))
    if not hasattr(model, "predict_proba"):
        _refuse_infinite(predictions)
        return Numbers(predictions)
    probabilities = np.asarray(model.predict_proba(features))
    _refuse_infinite(probabilities)
    return Classes(predictions, probabilities, model.classes_)


def _refuse_infinite(predictions: np.ndarray) -> None:
    bad = (~np.isfinite(predictions)).reshape(len(predictions), -1).any(axis=1).sum()
    if bad:
        raise ProjectError(f"the model predicts no finite number in {bad:,} of its rows")


@dataclass(frozen=True)
class Rows:
    """Rows to score on, and the trivial model's predictions for them.

    `metric` is the name of a scikit-learn scorer; `trivial` predicts the training rows' mean or
    class shares; `seed` fixes the draws, so that scores of two models can be compared in pairs.
    """

    metric: str
    truth: np.ndarray
    trivial: Remembered
    numbers: np.ndarray
    seed: int

    def slice(self, mask: np.ndarray) -> "Rows":
        """The rows for which `mask` is true."""
        return replace(self, numbers=self.numbers[mask])

    @cached_property
    def zero(self) -> float:
        """The trivial model's score: a skill of 0."""
        return self.score(self.trivial)

    @property
    def span(self) -> float:
        """How far the score of a perfect model is from the trivial one's; NaN where it is not."""
        span = (0.0 if self.metric.startswith("neg_") else 1.0) - self.zero
        return span if span > 1e-12 else float("nan")

    def score(self, model: Remembered) -> float:
        """The metric; NaN where it is undefined, as when only one class is there."""
        with quiet():
            try:
                return float(get_scorer(self.metric)(model, self.numbers, self.truth[self.numbers]))
            except ValueError:  # so say some that it is undefined
                return float("nan")

    def skill(self, score: float) -> float:
        """A score on the scale of skill."""
        return (score - self.zero) / self.span

    def estimate(self, model: Remembered) -> tuple[float, float, float]:
        """The skill and its 95 % interval, which ends at a perfect model's."""
        value = self.skill(self.score(model))
        half = _half(self._drawn(model), 0.95)
        return value, value - half, min(value + half, 1.0)

    def advantage(
        self, model: Remembered, other: Remembered, level: float = 0.95
    ) -> tuple[float, float, float]:
        """How much more skill the model has than the other, with the interval over paired draws."""
        value = self.skill(self.score(model)) - self.skill(self.score(other))
        half = _half(self._drawn(model) - self._drawn(other), level)
        return value, value - half, value + half

    def _drawn(self, model: Remembered) -> np.ndarray:
        """The skill in each resample, the same ones for every model."""
        rng = np.random.default_rng(self.seed)
        picks = (rng.choice(self.numbers, len(self.numbers)) for _ in range(DRAWS))
        scores = [replace(self, numbers=numbers).score(model) for numbers in picks]
        return (np.array(scores) - self.zero) / self.span


def _half(draws: np.ndarray, level: float) -> float:
    """Half the normal bootstrap interval; NaN if more than one draw in ten is."""
    spread = np.nanstd(draws, ddof=1) if np.isnan(draws).mean() <= 0.1 else float("nan")
    return float(norm.ppf((1 + level) / 2) * spread)


def rows_of(config: Config, learned: pd.Series, held_out: pd.Series) -> Rows:
    """All held-out rows; the trivial model is fitted to the target of the training rows."""
    dummy = DummyRegressor() if config.task == "regression" else DummyClassifier(strategy="prior")
    trivial = remember(dummy.fit(np.zeros((len(learned), 1)), learned), held_out.to_frame())
    numbers = np.arange(len(held_out))
    return Rows(config.selection.metric, held_out.to_numpy(), trivial, numbers, config.seed)
