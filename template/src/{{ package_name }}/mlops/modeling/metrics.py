"""Metrics on the test set, each with an interval and what the best constant scores."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, rankdata, sem
from sklearn import config_context
from sklearn.metrics import average_precision_score, get_scorer
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


class Estimate(NamedTuple):
    """A metric with its 95 % interval, and what the best constant scores on the same rows."""

    value: float
    low: float
    high: float
    baseline: float


def measure(
    config: Config, model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> dict[str, float]:
    """Compute every metric with its 95 % interval, and what the best constant scores.

    Args:
        config: The project's settings; `selection.metric` comes first.
        model: A fitted pipeline.
        features: The features of the test set.
        target: The outcomes of the test set.

    Returns:
        By name of the metric its value; the interval under `<metric>_low` and `<metric>_high`, and
        under `<metric>_baseline` the score of the constant that is best on these very rows. The
        upper end of an interval is a perfect score at most.

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
    draws = bootstrap(metric, cached, truth, rows, config.seed)
    half = half_width(draws, 0.95)
    if np.isnan(half):
        raise ProjectError(f"{metric} is undefined on the test set: a class is too rare there")
    metrics[f"{metric}_low"] = metrics[metric] - half
    metrics[f"{metric}_high"] = min(metrics[metric] + half, perfect_score(metric))
    if metric == "accuracy":
        ends = wilson(round(metrics[metric] * len(truth)), len(truth))
        metrics["accuracy_low"], metrics["accuracy_high"] = ends
    for name, estimate in _estimates(config, cached, truth).items():
        # The metric that selects is scored as selection scores it, whatever its name.
        metrics.setdefault(name, estimate.value)
        metrics.setdefault(f"{name}_low", estimate.low)
        metrics.setdefault(f"{name}_high", estimate.high)
        metrics.setdefault(f"{name}_baseline", estimate.baseline)
    return {name: round(value, 6) for name, value in metrics.items()}


def _estimates(config: Config, model: CachedModel, truth: np.ndarray) -> dict[str, Estimate]:
    """The metrics that fit the task, by name; those that are undefined are not there."""
    if config.task == "regression":
        return _of_numbers(config, model, truth)
    rows = np.arange(len(truth))
    shares = pd.Series(truth).value_counts(normalize=True).to_numpy()
    is_right = model.predict(rows) == truth
    found = {"accuracy": rate(int(is_right.sum()), len(truth), float(shares.max()))}
    if not isinstance(model, CachedClassifier):
        return found
    # Where the outcome had the probability 0 it counts as 10⁻¹⁵.
    losses = -np.log(model.probability_of(truth, rows).clip(1e-15))
    # The best constant gives each class its share: then the mean loss is the entropy.
    found["log_loss"] = mean_of(losses, float(-(shares * np.log(shares)).sum()))
    is_binary = len(model.classes_) == 2
    # With two classes Brier's distance is half of what it is with more, as in scikit-learn.
    scale = 0.5 if is_binary else 1.0
    distances = scale * model.squared_distances(truth, rows)
    found["brier_score"] = mean_of(distances, scale * float(1 - (shares**2).sum()))
    if is_binary:
        found |= _of_positives(config, model, truth)
    return found


def _of_positives(
    config: Config, model: CachedClassifier, truth: np.ndarray
) -> dict[str, Estimate]:
    """Metrics of the second class, the positive one, at the threshold that the costs give."""
    is_positive = truth == model.classes_[1]
    probability = model.probabilities[:, 1]
    is_predicted = probability >= config.costs.threshold
    n_positive = int(is_positive.sum())
    n_found = int((is_predicted & is_positive).sum())
    prevalence = n_positive / len(truth)
    found = {}
    if is_predicted.any():
        # To call every row positive is the constant that has a precision.
        found["precision"] = rate(n_found, int(is_predicted.sum()), prevalence)
    if not n_positive:
        return found
    # The same constant finds all of them, so recall never stands alone.
    found["recall"] = rate(n_found, n_positive, 1.0)
    value = float(average_precision_score(is_positive, probability))
    half = _spread(config, "average_precision", model, truth)
    if np.isfinite(half):
        ends = max(value - half, 0.0), min(value + half, 1.0)
        found["average_precision"] = Estimate(value, *ends, prevalence)
    return found


def _of_numbers(config: Config, model: CachedModel, truth: np.ndarray) -> dict[str, Estimate]:
    """Metrics of a number; of an error the sign is turned, as scikit-learn's scorers do."""
    errors = np.abs(truth - model.predict(np.arange(len(truth))))
    found = {}
    for name, baseline in (
        ("r2", 0.0),
        ("neg_root_mean_squared_error", -float(np.std(truth))),
    ):
        value = score_rows(name, model, truth, np.arange(len(truth)))
        half = _spread(config, name, model, truth)
        if np.isfinite(half):
            high = min(value + half, perfect_score(name))
            found[name] = Estimate(value, value - half, high, baseline)
    off_median = np.abs(truth - np.median(truth))
    found["neg_mean_absolute_error"] = mean_of(-errors, -float(off_median.mean()))
    # A share of the truth means something for amounts alone, such as money.
    if (truth > 0).all():
        best = _weighted_median(truth, 1 / truth)
        baseline = -float(np.abs(1 - best / truth).mean())
        found["neg_mean_absolute_percentage_error"] = mean_of(-errors / truth, baseline)
    return found


def _spread(config: Config, metric: str, model: CachedModel, truth: np.ndarray) -> float:
    """Half the width of the 95 % interval; NaN where the metric is undefined."""
    draws = bootstrap(metric, model, truth, np.arange(len(truth)), config.seed)
    return half_width(draws, 0.95)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The constant with the least weighted absolute error."""
    order = np.argsort(values)
    below = weights[order].cumsum()
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def wilson(n_successes: int, n_trials: int) -> tuple[float, float]:
    """Compute Wilson's 95 % interval of a rate, which holds for few rows and at 0 and 1 as well.

    Wilson, 1927, doi:10.1080/01621459.1927.10502953.

    Args:
        n_successes: How often it happened.
        n_trials: How often it could have.

    Returns:
        The lower and the upper end.
    """
    ends = binomtest(n_successes, n_trials).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def rate(n_successes: int, n_trials: int, baseline: float) -> Estimate:
    """Return a rate with Wilson's interval, beside the best constant's."""
    low, high = wilson(n_successes, n_trials)
    return Estimate(n_successes / n_trials, low, high, baseline)


def mean_of(values: np.ndarray, baseline: float) -> Estimate:
    """Return a mean over rows with its normal interval, beside the best constant's."""
    mean = float(values.mean())
    # Of one row there is no spread to see.
    half = float(norm.ppf(0.975) * sem(values)) if len(values) > 1 else 0.0
    low = mean - half
    high = mean + half
    # A loss ends at 0, where the model is perfect, from whichever side its sign puts it.
    if mean >= 0:
        return Estimate(mean, max(low, 0.0), high, baseline)
    return Estimate(mean, low, min(high, 0.0), baseline)


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
    if metric == "roc_auc" and isinstance(model, CachedClassifier) and len(model.classes_) == 2:
        return _roc_auc(model, truth, rows)
    scorer = get_scorer(metric)
    with quiet():
        try:
            return float(scorer(model, rows, truth[rows]))
        except ValueError:
            # Some metrics raise where they are undefined, others return NaN.
            return float("nan")


def _roc_auc(model: CachedClassifier, truth: np.ndarray, rows: np.ndarray) -> float:
    """The area under the ROC curve, from ranks: ten times as fast as scikit-learn's function.

    The model's second class is the positive one. It is the share of pairs, of one row of each
    class, that are in the right order (Hanley and McNeil, 1982,
    doi:10.1148/radiology.143.1.7063747).
    """
    outcomes = truth[rows]
    is_positive = outcomes == model.classes_[1]
    n_positive = int(is_positive.sum())
    n_negative = int((outcomes == model.classes_[0]).sum())
    n_pairs = n_positive * n_negative
    # Undefined too where an outcome is of a class that the model does not know.
    if not n_pairs or n_positive + n_negative < len(rows):
        return float("nan")
    ranks = rankdata(model.probabilities[rows, 1])
    n_in_order = ranks[is_positive].sum() - n_positive * (n_positive + 1) / 2
    return float(n_in_order / n_pairs)


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


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings where a metric is undefined, since NaN says so; skip repeated checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # scikit-learn would check the same table for each of many small predictions.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            yield
