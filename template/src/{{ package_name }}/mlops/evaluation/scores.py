"""Skill scores of predictions that were made once, with their uncertainty."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from ..config import Config
from ..modeling.metrics import bootstrap, half_width, perfect_score, score_rows, wilson
from ..modeling.predictions import (
    CachedClassifier,
    CachedModel,
    CachedRegressor,
    cache_predictions,
)

__all__ = [
    "CachedClassifier",
    "CachedModel",
    "CachedRegressor",
    "Rows",
    "cache_predictions",
    "proper_skill",
    "rows_of",
]

MIN_RANGE = 1e-12
"""A smaller distance from the baseline to a perfect score is a rounding error, not a range."""


@dataclass(frozen=True)
class Rows:
    """Rows to score on, with the baseline's predictions for them.

    A skill score says how far a score is from the baseline's, 0, to a perfect one, 1 (Murphy, 1988,
    doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2), so it means the same for every metric.

    Attributes:
        metric: The name of a scikit-learn scorer.
        truth: The outcome of every row of the test set.
        baseline: Predicts for every row the constant that scores best on the training set.
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
        distance = perfect_score(self.metric) - self.baseline_score
        if not distance > MIN_RANGE:
            return float("nan")
        return distance

    def score(self, model: CachedModel) -> float:
        """Return the metric; NaN where it is undefined, as when only one class is there."""
        return score_rows(self.metric, model, self.truth, self.numbers)

    def skill(self, score: float) -> float:
        """Return the skill score of a score on these rows."""
        return (score - self.baseline_score) / self.score_range

    def estimate(self, model: CachedModel) -> tuple[float, float, float]:
        """Estimate the skill score with its 95 % interval.

        Returns:
            The skill score, and the lower and the upper end of its interval. The upper end is 1
            at most, since nothing is better than perfect.
        """
        score = self.score(model)
        value = self.skill(score)
        if self.metric == "accuracy":
            # Of a rate every draw is perfect where no row is wrong, and nothing is that sure.
            low, high = wilson(round(score * len(self.numbers)), len(self.numbers))
            return value, self.skill(low), self.skill(high)
        # The scale stays that of all rows: a draw's own baseline would add its noise.
        half = half_width(self._scores_of_draws(model), 0.95) / self.score_range
        return value, value - half, min(value + half, 1.0)

    def advantage(
        self, model: CachedModel, other: CachedModel, level: float = 0.95
    ) -> tuple[float, float, float]:
        """Estimate how much higher the skill score of `model` is than that of `other`.

        Returns:
            The difference, and the lower and the upper end of its interval.
        """
        ends = self.difference(model, other, level)
        value, low, high = (end / self.score_range for end in ends)
        return value, low, high

    def difference(
        self, model: CachedModel, other: CachedModel, level: float = 0.95
    ) -> tuple[float, float, float]:
        """Estimate how much higher the score of `model` is than that of `other`.

        Returns:
            The difference in the unit of the metric, and the lower and the upper end of its
            interval, from a paired bootstrap; NaN where the metric is undefined.
        """
        value = self.score(model) - self.score(other)
        # Both are scored on the same draws: what makes a draw easy or hard cancels out.
        draws = self._scores_of_draws(model) - self._scores_of_draws(other)
        half = half_width(draws, level)
        return value, value - half, value + half

    def _scores_of_draws(self, model: CachedModel) -> np.ndarray:
        """The score on each draw of the rows, the same draws for every model."""
        return bootstrap(self.metric, model, self.truth, self.numbers, self.seed)


def rows_of(config: Config, learned: pd.Series, held_out: pd.Series) -> Rows:
    """Return all rows of a test set, with a baseline fitted to the target of a training set.

    Args:
        config: Names the task, the metric and the seed.
        learned: The target of the training set.
        held_out: The target of the test set.
    """
    metric = config.selection.metric
    constants = []
    for dummy in _constants(config.task, learned):
        # A dummy ignores its features, and asks for some all the same.
        dummy.fit(np.zeros((len(learned), 1)), learned)
        score = score_rows(
            metric,
            cache_predictions(dummy, learned.to_frame()),
            learned.to_numpy(),
            np.arange(len(learned)),
        )
        constants.append((score, dummy))
    # Of equal ones the first: mean and class shares come first. NaN is never the best.
    _, best = max(constants, key=lambda pair: np.nan_to_num(pair[0], nan=-np.inf))
    baseline = cache_predictions(best, held_out.to_frame())
    numbers = np.arange(len(held_out))
    return Rows(metric, held_out.to_numpy(), baseline, numbers, config.seed)


def _constants(task: str, learned: pd.Series) -> list[BaseEstimator]:
    """Models that predict one thing for every row: a metric may be best for any of them."""
    if task == "regression":
        return [DummyRegressor(strategy=strategy) for strategy in ("mean", "median")]
    constants = [DummyClassifier(strategy="prior")]
    # Recall, for one, is perfect if every row is called positive.
    for value in sorted(learned.unique()):
        constants.append(DummyClassifier(strategy="constant", constant=value))
    return constants


def proper_skill(rows: Rows, model: CachedModel) -> tuple[str, float] | None:
    """Compute the skill of a model by a proper score, over the best constant on the same rows.

    A proper score is best only for the true probabilities, mean or median (Gneiting and Raftery,
    2007, doi:10.1198/016214506000001437).

    Args:
        rows: The rows to score on.
        model: Predictions for all rows.

    Returns:
        The name of the score, and the share of the constant's loss that the model avoids. Of a
        regressor the better of squared and absolute error, since either may be what it is made
        for. None for a classifier without probabilities, of which there is no proper score.
    """
    truth = rows.truth[rows.numbers]
    if isinstance(model, CachedRegressor):
        return _skill_of_numbers(truth, model.predictions[rows.numbers])
    if not isinstance(model, CachedClassifier):
        return None
    losses = model.squared_distances(truth, rows.numbers)
    shares = pd.Series(truth).value_counts(normalize=True)
    constant_loss = 1 - float((shares**2).sum())
    return "Brier score", _avoided_share(float(losses.mean()), constant_loss)


def _skill_of_numbers(truth: np.ndarray, predictions: np.ndarray) -> tuple[str, float]:
    errors = truth - predictions
    squared = _avoided_share(float((errors**2).mean()), float(np.var(truth)))
    absolute_loss = float(np.abs(truth - np.median(truth)).mean())
    absolute = _avoided_share(float(np.abs(errors).mean()), absolute_loss)
    if absolute > squared:
        return "absolute error", absolute
    return "squared error", squared


def _avoided_share(loss: float, constant_loss: float) -> float:
    """The share of a constant's loss that is avoided; NaN where a constant is perfect."""
    return 1 - loss / constant_loss if constant_loss > MIN_RANGE else float("nan")
