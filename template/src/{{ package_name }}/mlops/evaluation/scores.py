"""Skill scores of predictions that were made once, with their uncertainty."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor

from ..config import Config
from ..modeling.metrics import bootstrap, half_width, perfect_score, score_rows
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
        value = self.skill(self.score(model))
        half = half_width(self._resampled(model), 0.95)
        return value, value - half, min(value + half, 1.0)

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
        half = half_width(differences, level)
        return value, value - half, value + half

    def _resampled(self, model: CachedModel) -> np.ndarray:
        """The skill score on each draw of the rows, the same draws for every model."""
        scores = bootstrap(self.metric, model, self.truth, self.numbers, self.seed)
        # The scale stays that of all rows: a draw's own baseline would add its noise.
        return (scores - self.baseline_score) / self.score_range


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
