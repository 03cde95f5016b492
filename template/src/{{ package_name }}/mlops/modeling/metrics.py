"""Metrics on the test set, with the interval of the first, and calibration."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline

from ..config import Config
from ..errors import ProjectError
from .predictions import CachedClassifier, CachedModel, cache_predictions

SCORERS = {
    "classification": ("accuracy",),
    "regression": ("r2", "neg_mean_absolute_error", "neg_root_mean_squared_error"),
}
"""Metrics that are reported beside the one that selects."""

N_RESAMPLES = 50
"""Draws of the bootstrap: enough for a standard error (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, section 6.4). Percentiles of the draws would need 1,000 and more."""

MAX_UNDEFINED = 0.1
"""Share of draws on which the metric may be undefined, since a draw may lack a rare class."""

N_BINS = 10
"""Points of the calibration curve."""


def measure(
    config: Config, model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> dict[str, float]:
    """Compute every metric, and the 95 % bootstrap interval of the one that selects.

    Args:
        config: The project's settings; `selection.metric` comes first.
        model: A fitted pipeline.
        features: The features of the test set.
        target: The outcomes of the test set.

    Returns:
        By name of the metric its value; the interval under `<metric>_low` and `<metric>_high`. The
        upper end is a perfect score at most.

    Raises:
        ProjectError: A prediction is not finite, or the metric is undefined on too many draws.
    """
    metric = config.selection.metric
    # Once for all metrics and draws: to predict takes longer than to score.
    cached = cache_predictions(model, features)
    truth = target.to_numpy()
    rows = np.arange(len(truth))
    metrics = {}
    for name in dict.fromkeys([metric, *SCORERS[config.task]]):
        metrics[name] = float(get_scorer(name)(cached, rows, truth))
    if isinstance(cached, CachedClassifier):
        metrics["log_loss"] = log_loss(cached, rows, target)
    draws = bootstrap(metric, cached, truth, rows, config.seed)
    half = half_width(draws, 0.95)
    if np.isnan(half):
        raise ProjectError(f"{metric} is undefined on the test set: a class is too rare there")
    metrics[f"{metric}_low"] = metrics[metric] - half
    metrics[f"{metric}_high"] = min(metrics[metric] + half, perfect_score(metric))
    return {name: round(value, 6) for name, value in metrics.items()}


def perfect_score(metric: str) -> float:
    """Return the score of a model that is always right, by the name of a scikit-learn scorer."""
    # A scorer whose name begins so returns a loss with its sign turned.
    return 0.0 if metric.startswith("neg_") else 1.0


def score_rows(metric: str, model: CachedModel, truth: np.ndarray, rows: np.ndarray) -> float:
    """Score predictions on some rows.

    Args:
        metric: The name of a scikit-learn scorer.
        model: Predictions for all rows.
        truth: The outcome of all rows.
        rows: Positions of the rows to score on; one may be there several times.

    Returns:
        The score; NaN where it is undefined, as when only one class is there.
    """
    scorer = get_scorer(metric)
    with quiet():
        try:
            return float(scorer(model, rows, truth[rows]))
        except ValueError:
            # Some metrics raise where they are undefined, others return NaN.
            return float("nan")


def bootstrap(
    metric: str, model: CachedModel, truth: np.ndarray, rows: np.ndarray, seed: int
) -> np.ndarray:
    """Score predictions on draws of the rows with replacement, each as many as there are rows.

    Efron, 1979, doi:10.1214/aos/1176344552. Not scipy's: it would draw again for each model, and
    has no interval from the standard error, for which few draws are enough.

    Args:
        metric: The name of a scikit-learn scorer.
        model: Predictions for all rows.
        truth: The outcome of all rows.
        rows: Positions of the rows to draw from.
        seed: The same seed gives the same draws, so scores of two models can be compared in pairs.

    Returns:
        One score a draw, shape (N_RESAMPLES,), with NaN where it is undefined.
    """
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(N_RESAMPLES):
        drawn = rng.choice(rows, len(rows))
        scores.append(score_rows(metric, model, truth, drawn))
    return np.array(scores)


def half_width(draws: np.ndarray, level: float) -> float:
    """Compute half the width of the normal bootstrap interval: a multiple of the standard error.

    Efron and Tibshirani, 1993, chapter 12. Every interval of a score is of this kind, so that
    two of them in one report can be compared.

    Args:
        draws: What `bootstrap` returned, or the difference of two such.
        level: Of confidence, such as 0.95.

    Returns:
        In the unit of the draws; NaN if more than MAX_UNDEFINED of them are.
    """
    if np.isnan(draws).mean() > MAX_UNDEFINED:
        return float("nan")
    standard_error = np.nanstd(draws, ddof=1)
    return float(norm.ppf((1 + level) / 2) * standard_error)


def log_loss(model: BaseEstimator, features: pd.DataFrame | np.ndarray, target: pd.Series) -> float:
    """Compute the mean of -log(p), with p the probability that the model gave to the outcome.

    scikit-learn's own function refuses a class that the model was not trained on.

    Args:
        model: A fitted classifier, or its cached predictions.
        features: The features of each row; of cached predictions the row numbers.
        target: The class of each row.

    Returns:
        The mean over the rows; a class that was not in the training set has the probability 0,
        which counts as 10⁻¹⁵.
    """
    # -1 for a class that the model does not know.
    column = pd.Index(model.classes_).get_indexer(target)
    probabilities = model.predict_proba(features)[np.arange(len(target)), column]
    known = np.where(column < 0, 0, probabilities)
    return float(-np.log(known.clip(1e-15)).mean())


def predicted_and_observed(
    model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the two numbers of each row that a calibration curve compares.

    Args:
        model: A fitted pipeline.
        features: The features of each row.
        target: The outcome of each row.

    Returns:
        Of a regressor the predictions and the outcomes. Of a classifier the probability of the
        second class and whether it came true; with more than two classes, those of the class
        that is predicted. Both have one value a row.
    """
    if not hasattr(model, "predict_proba"):
        return model.predict(features), target.to_numpy()
    probabilities = model.predict_proba(features)
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], (target == model.classes_[1]).to_numpy()
    return probabilities.max(axis=1), (target == model.predict(features)).to_numpy()


def calibration(predicted: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    """Compute a calibration curve.

    Args:
        predicted: The prediction of each row.
        observed: The outcome of each row.

    Returns:
        The mean of both in at most N_BINS bins of equally many rows.
    """
    table = pd.DataFrame({"predicted": predicted, "observed": observed.astype(float)})
    # By rank: equal predictions would otherwise make bins of unequal size, or too few.
    ranks = table["predicted"].rank(method="first")
    bins = pd.qcut(ranks, min(N_BINS, len(table)), labels=False)
    return table.groupby(bins).mean().round(6)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings where a metric is undefined, since NaN says so; skip repeated checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # scikit-learn would check the same table for each of many small predictions.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            yield
