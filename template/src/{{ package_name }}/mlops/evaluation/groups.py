"""How differently the model treats sensitive groups."""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, sem
from sklearn.metrics import accuracy_score, mean_absolute_error

from ..config import Config
from .scores import CachedModel, CachedRegressor
from .slices import slice_names

Metrics = dict[str, Callable[[np.ndarray, np.ndarray], float]]
"""By field of GroupMetric, what computes it from a group's outcomes and predictions."""

FALSE_NEGATIVE_RATE = "false negative rate"
SELECTION_RATE = "selection rate"
ACCURACY = "accuracy"
RELATIVE_ERROR = "absolute error relative to all rows"

MEANINGS = {
    FALSE_NEGATIVE_RATE: (
        "of the rows that are {positive}, the share for which it is not predicted"
    ),
    SELECTION_RATE: "the share of rows for which {positive} is predicted",
    ACCURACY: "the share of rows for which the right {target} is predicted",
    RELATIVE_ERROR: "how far predictions are off on average, 1 being the average of all rows",
}
"""What each measure means, for people; to be formatted with the facts of the report."""


@dataclass(frozen=True)
class GroupMetric:
    """A measure of one group, with what its interval follows from.

    Attributes:
        value: A rate, or a mean.
        n_trials: For a rate, the number of rows that it is a share of; else None.
        std_error: For a mean, its standard error; else None.
    """

    value: float
    n_trials: int | None = None
    std_error: float | None = None

    def interval(self, level: float) -> tuple[float, float]:
        """Return the confidence interval: Wilson's for a rate, the normal one for a mean."""
        if self.n_trials is None:
            half_width = float(norm.ppf((1 + level) / 2)) * (self.std_error or 0.0)
            return self.value - half_width, self.value + half_width
        n_successes = round(self.value * self.n_trials)
        ends = binomtest(n_successes, self.n_trials).proportion_ci(level, "wilson")
        return ends.low, ends.high


def group_gaps(
    config: Config, test: pd.DataFrame, truth: np.ndarray, model: CachedModel
) -> pd.DataFrame:
    """Find the largest gap between two groups of each sensitive column, by each measure.

    Args:
        config: Names the sensitive columns and the least number of rows of a group.
        test: The test set.
        truth: The outcome of each of its rows.
        model: The model's predictions for them.

    Returns:
        A row for each column and measure: the gap, its lower confidence bound, and the two groups.
        Groups with too few rows are excluded; where fewer than two remain it is `inconclusive`.
    """
    # Imported here: fairlearn takes a second, and most commands read no group.
    from fairlearn.metrics import MetricFrame, count

    predicted = model.predict(np.arange(len(truth)))
    if not isinstance(model, CachedRegressor) and len(model.classes_) == 2:
        # The second class is the positive one, as everywhere in scikit-learn.
        truth = truth == model.classes_[1]
        predicted = predicted == model.classes_[1]
    found = []
    for column in config.data.sensitive:
        names = slice_names(test[column]).to_numpy()
        for measure, metrics in _measures(model, truth, predicted).items():
            frame = MetricFrame(
                metrics={"rows": count, **metrics},
                y_true=truth,
                y_pred=predicted,
                sensitive_features=names,
            )
            groups = frame.by_group
            is_large = groups["rows"] >= config.gates.groups.min_rows
            gap = _largest_gap(_group_metrics(groups[is_large].dropna()))
            found.append({"column": column, "measure": measure} | gap)
    # Without a sensitive column the table has no rows, and its readers still expect the columns.
    columns = None if found else ["column", "measure", "gap", "low", "status"]
    return pd.DataFrame(found, columns=columns).round(6)


def _measures(model: CachedModel, truth: np.ndarray, predicted: np.ndarray) -> dict[str, Metrics]:
    """The measures that mean something for this kind of model."""
    from fairlearn.metrics import count, selection_rate

    if isinstance(model, CachedRegressor):
        return {RELATIVE_ERROR: _relative_error(mean_absolute_error(truth, predicted))}
    if len(model.classes_) > 2:
        return {ACCURACY: {"value": accuracy_score, "n_trials": count}}
    return {
        FALSE_NEGATIVE_RATE: {"value": _false_negative_rate, "n_trials": _n_positive},
        SELECTION_RATE: {"value": selection_rate, "n_trials": count},
    }


def _relative_error(overall: float) -> Metrics:
    """The mean absolute error of a group over that of all rows, so that no unit is left."""

    def value(truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(mean_absolute_error(truth, predicted) / overall)

    def std_error(truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(sem(np.abs(truth - predicted)) / overall)

    return {"value": value, "std_error": std_error}


def _false_negative_rate(truth: np.ndarray, predicted: np.ndarray) -> float:
    from fairlearn.metrics import false_negative_rate

    # fairlearn says 0 of a group without a positive row, which would be the best rate of all.
    if not truth.any():
        return float("nan")
    return float(false_negative_rate(truth, predicted))


def _n_positive(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(truth.sum())


def _group_metrics(by_group: pd.DataFrame) -> dict[str, GroupMetric]:
    """Rows of fairlearn's table, by name of the group."""
    found = {}
    for name, line in by_group.iterrows():
        if "n_trials" in line:
            found[str(name)] = GroupMetric(float(line["value"]), n_trials=int(line["n_trials"]))
        else:
            found[str(name)] = GroupMetric(float(line["value"]), std_error=float(line["std_error"]))
    return found


def _largest_gap(groups: dict[str, GroupMetric]) -> dict[str, object]:
    """The two groups that are furthest apart, and the lower end of the gap's 95 % interval.

    That comes from the two groups' own intervals (Newcombe, 1998, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I), which are wider the
    more pairs there are (Bonferroni), since the largest gap of many is large by chance.
    """
    if len(groups) < 2:
        return {"gap": None, "low": None, "groups": len(groups), "status": "inconclusive"}
    # Of equal values the first name is the lowest and the last the highest, so that where all are
    # equal the gap is still one between two groups.
    lowest = min(groups, key=lambda name: groups[name].value)
    highest = max(reversed(groups), key=lambda name: groups[name].value)
    gap = groups[highest].value - groups[lowest].value

    level = 1 - 0.05 / comb(len(groups), 2)
    highest_low, _ = groups[highest].interval(level)
    _, lowest_high = groups[lowest].interval(level)
    # The gap may be smaller because the one is lower than measured, or because the other is higher.
    off_highest = groups[highest].value - highest_low
    off_lowest = lowest_high - groups[lowest].value
    lower_bound = max(0.0, gap - float(np.hypot(off_highest, off_lowest)))
    return {
        "gap": gap,
        "low": lower_bound,
        "groups": len(groups),
        "highest": highest,
        "highest_value": groups[highest].value,
        "lowest": lowest,
        "lowest_value": groups[lowest].value,
        "status": "ok",
    }
