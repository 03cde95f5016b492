"""Metrics on the test set, with the interval of the first, and calibration."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if

from ..config import Config
from ..errors import ProjectError

SCORERS = {
    "classification": ("accuracy",),
    "regression": ("r2", "neg_mean_absolute_error", "neg_root_mean_squared_error"),
}
"""Metrics that are reported beside the one that selects."""

N_RESAMPLES = 200
"""Resamples behind the interval of the headline score."""

MAX_UNDEFINED = 0.1
"""A resample may lack a rare class, on which some metrics are undefined: one in ten may."""

N_BINS = 10
"""Points of the calibration curve."""


def measure(
    config: Config, model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> dict[str, float]:
    """Compute every metric, and the 95 % percentile bootstrap interval of the first.

    Efron and Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.

    Args:
        config: The project's settings; `selection.metric` comes first.
        model: A fitted pipeline.
        features: The features of the test set.
        target: The outcomes of the test set.

    Returns:
        By name of the metric its value; the interval under `<metric>_low` and `<metric>_high`.

    Raises:
        ProjectError: The metric is undefined on too many resamples.
    """
    metric = config.selection.metric
    metrics = {}
    for name in dict.fromkeys([metric, *SCORERS[config.task]]):
        metrics[name] = float(get_scorer(name)(model, features, target))
    if hasattr(model, "predict_proba"):
        metrics["log_loss"] = log_loss(model, features, target)
    scores = _resampled_scores(config, model, features, target)
    if np.isnan(scores).mean() > MAX_UNDEFINED:
        raise ProjectError(f"{metric} is undefined on the test set: a class is too rare there")
    low, high = np.nanpercentile(scores, [2.5, 97.5])
    metrics[f"{metric}_low"] = float(low)
    metrics[f"{metric}_high"] = float(high)
    # More digits would differ between machines, and say nothing.
    return {name: round(value, 6) for name, value in metrics.items()}


def _resampled_scores(
    config: Config, model: Pipeline, features: pd.DataFrame, target: pd.Series
) -> np.ndarray:
    """The score on each of N_RESAMPLES draws of the rows, with replacement."""
    cached = _CachedPredictions(model, features)
    truth = target.to_numpy()
    scorer = get_scorer(config.selection.metric)
    rng = np.random.default_rng(config.seed)
    scores = []
    for _ in range(N_RESAMPLES):
        rows = rng.integers(0, len(truth), len(truth))
        scores.append(scorer(cached, rows, truth[rows]))
    return np.array(scores)


def _has(method: str) -> Callable[["_CachedPredictions"], bool]:
    return lambda cached: method in cached.predictions


class _CachedPredictions(BaseEstimator):  # type: ignore[misc]
    """Stands in for a model that has predicted all rows: its input is row numbers.

    To predict hundreds of resamples one by one takes longer than all of training.
    """

    def __init__(self, model: Pipeline, features: pd.DataFrame) -> None:
        """Predict with every method that a scorer may ask for."""
        self.model = model
        self.predictions: dict[str, np.ndarray] = {}
        for method in ("predict", "predict_proba", "decision_function"):
            if hasattr(model, method):
                self.predictions[method] = np.asarray(getattr(model, method)(features))
        if hasattr(model, "classes_"):
            self.classes_ = model.classes_

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the predictions of the rows with these numbers."""
        return self.predictions["predict"].take(rows, axis=0)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities of the rows with these numbers, one column a class."""
        return self.predictions["predict_proba"].take(rows, axis=0)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, rows: np.ndarray) -> np.ndarray:
        """Return the values of the decision function of the rows with these numbers."""
        return self.predictions["decision_function"].take(rows, axis=0)

    def __sklearn_tags__(self) -> Tags:
        """Say whether it is a classifier: scorers ask."""
        return self.model.__sklearn_tags__()


def log_loss(model: Pipeline, features: pd.DataFrame, target: pd.Series) -> float:
    """Compute the mean of -log(p), with p the probability that the model gave to the outcome.

    scikit-learn's own function refuses a class that the model was not trained on.

    Args:
        model: A fitted classifier.
        features: The features of each row.
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
