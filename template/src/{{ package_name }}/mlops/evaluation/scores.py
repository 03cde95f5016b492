"""Scores of predictions that were made once, as skill scores, with their uncertainty."""

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

MIN_RANGE = 1e-12
"""A smaller distance from the baseline to a perfect score is a rounding error, not a range."""


class CachedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a regressor whose predictions are known: its input is row numbers.

    So scikit-learn's scorers can score any selection of rows, and the model predicts only once.
    """

    def __init__(self, predictions: np.ndarray) -> None:
        """Keep the predictions.

        Args:
            predictions: One number a row, shape (n_rows,).
        """
        self.predictions = predictions

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the predictions of the rows with these numbers."""
        return self.predictions.take(rows)


class CachedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a classifier whose predictions are known: its input is row numbers."""

    def __init__(
        self, predictions: np.ndarray, probabilities: np.ndarray, classes: np.ndarray
    ) -> None:
        """Keep the predictions.

        Args:
            predictions: One class a row, shape (n_rows,).
            probabilities: Shape (n_rows, n_classes).
            classes: The classes in the order of the columns of `probabilities`.
        """
        self.predictions = predictions
        self.probabilities = probabilities
        # With the underscore, because that is where scikit-learn's scorers look.
        self.classes_ = classes

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the predicted classes of the rows with these numbers."""
        return self.predictions.take(rows)

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities of the rows with these numbers, one column a class."""
        return self.probabilities.take(rows, axis=0)


CachedModel = CachedRegressor | CachedClassifier


def cache_predictions(model: BaseEstimator, features: pd.DataFrame) -> CachedModel:
    """Predict once, to score often.

    Args:
        model: A fitted regressor or classifier.
        features: The rows to predict, in the order in which they will be numbered.

    Returns:
        A model that answers row numbers with these predictions.

    Raises:
        ProjectError: A prediction is not a finite number.
    """
    predictions = np.asarray(model.predict(features))
    if not hasattr(model, "predict_proba"):
        _refuse_infinite(predictions)
        return CachedRegressor(predictions)
    # Only the probabilities of a classifier: its classes may be strings.
    probabilities = np.asarray(model.predict_proba(features))
    _refuse_infinite(probabilities)
    return CachedClassifier(predictions, probabilities, model.classes_)


def _refuse_infinite(predictions: np.ndarray) -> None:
    by_row = np.isfinite(predictions).reshape(len(predictions), -1)
    n_bad = int((~by_row.all(axis=1)).sum())
    if n_bad:
        raise ProjectError(f"the model predicts no finite number in {n_bad:,} of its rows")


@dataclass(frozen=True)
class Rows:
    """Rows to score on, with the baseline's predictions for them.

    A skill score says how far a score is from the baseline's, 0, to a perfect one, 1 (Murphy, 1988,
    doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2), so it means the same for every metric.

    Attributes:
        metric: The name of a scikit-learn scorer.
        truth: The outcome of every row of the test set.
        baseline: Predicts the mean of the training set, or its class shares, for every row.
        numbers: Which rows of the test set these are, by position.
        seed: Fixes the draws, so that scores of two models can be compared in pairs.
    """

    metric: str
    truth: np.ndarray
    baseline: CachedModel
    numbers: np.ndarray
    seed: int

    def slice(self, mask: np.ndarray) -> "Rows":
        """Return the rows for which `mask`, one boolean a row, is true."""
        return replace(self, numbers=self.numbers[mask])

    @cached_property
    def baseline_score(self) -> float:
        """The baseline's score on these rows: a skill score of 0."""
        return self.score(self.baseline)

    @property
    def score_range(self) -> float:
        """The distance from the baseline's score to a perfect one; NaN where there is none."""
        # Scorers whose name begins so return a loss with its sign turned.
        perfect = 0.0 if self.metric.startswith("neg_") else 1.0
        distance = perfect - self.baseline_score
        if not distance > MIN_RANGE:
            return float("nan")
        return distance

    def score(self, model: CachedModel) -> float:
        """Return the metric; NaN where it is undefined, as when only one class is there."""
        scorer = get_scorer(self.metric)
        with quiet():
            try:
                return float(scorer(model, self.numbers, self.truth[self.numbers]))
            except ValueError:
                # Some metrics raise where they are undefined, others return NaN.
                return float("nan")

    def skill(self, score: float) -> float:
        """Return the skill score of a score on these rows."""
        return (score - self.baseline_score) / self.score_range

    def estimate(self, model: CachedModel) -> tuple[float, float, float]:
        """Estimate the skill score with its 95 % interval.

        Returns:
            The skill score, and the lower and the upper end of its interval. The upper end is 1
            at most, since nothing is better than perfect.
        """
        value = self.skill(self.score(model))
        half_width = _half_width(self._resampled(model), 0.95)
        return value, value - half_width, min(value + half_width, 1.0)

    def advantage(
        self, model: CachedModel, other: CachedModel, level: float = 0.95
    ) -> tuple[float, float, float]:
        """Estimate how much higher the skill score of `model` is than that of `other`.

        Returns:
            The difference, and the lower and the upper end of its interval.
        """
        value = self.skill(self.score(model)) - self.skill(self.score(other))
        # Both are scored on the same draws: what makes a draw easy or hard cancels out.
        differences = self._resampled(model) - self._resampled(other)
        half_width = _half_width(differences, level)
        return value, value - half_width, value + half_width

    def _resampled(self, model: CachedModel) -> np.ndarray:
        """The skill score on each draw of the rows, the same draws for every model."""
        rng = np.random.default_rng(self.seed)
        scores = []
        for _ in range(DRAWS):
            drawn = rng.choice(self.numbers, len(self.numbers))
            scores.append(replace(self, numbers=drawn).score(model))
        # The scale stays that of all rows: a draw's own baseline would add its noise.
        return (np.array(scores) - self.baseline_score) / self.score_range


def _half_width(draws: np.ndarray, level: float) -> float:
    """Half the width of the normal bootstrap interval; NaN if more than one draw in ten is."""
    if np.isnan(draws).mean() > 0.1:
        return float("nan")
    standard_error = np.nanstd(draws, ddof=1)
    return float(norm.ppf((1 + level) / 2) * standard_error)


def rows_of(config: Config, learned: pd.Series, held_out: pd.Series) -> Rows:
    """Return all rows of a test set, with a baseline fitted to the target of a training set.

    Args:
        config: Names the task, the metric and the seed.
        learned: The target of the training set.
        held_out: The target of the test set.
    """
    if config.task == "regression":
        dummy = DummyRegressor(strategy="mean")
    else:
        dummy = DummyClassifier(strategy="prior")
    # A dummy ignores its features, and asks for some all the same.
    dummy.fit(np.zeros((len(learned), 1)), learned)
    baseline = cache_predictions(dummy, held_out.to_frame())
    numbers = np.arange(len(held_out))
    return Rows(config.selection.metric, held_out.to_numpy(), baseline, numbers, config.seed)
