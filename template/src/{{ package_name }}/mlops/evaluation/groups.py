"""How differently the model treats sensitive groups."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, sem
from sklearn.metrics import accuracy_score, mean_absolute_error

from ..config import Config
from .scores import Classes, Remembered
from .slices import slice_names

Metrics = dict[str, Callable[[np.ndarray, np.ndarray], float]]
"""`value`, and for its interval `trials` of a rate or the standard `error` of a mean."""

MISSED, SELECTED, RIGHT = "false negative rate", "selection rate", "accuracy"
FAR = "absolute error relative to all rows"
MEANINGS = {
    MISSED: "of the rows whose {target} is {positive}, the share for which it is not predicted",
    SELECTED: "the share of rows for which {target} {positive} is predicted",
    RIGHT: "the share of rows for which the right {target} is predicted",
    FAR: "how far predictions are off on average, 1 being the average of all rows",
}


def group_gaps(
    config: Config, test: pd.DataFrame, truth: np.ndarray, model: Remembered
) -> pd.DataFrame:
    """The largest gap between two groups of each sensitive column, by each measure.

    Groups with too few rows are left out; where fewer than two remain it is `inconclusive`.
    """
    from fairlearn.metrics import MetricFrame, count

    predicted = model.predict(np.arange(len(truth)))
    if isinstance(model, Classes) and len(model.classes_) == 2:
        truth, predicted = truth == model.classes_[1], predicted == model.classes_[1]
    found = []
    for column in config.data.sensitive:
        names = slice_names(test[column]).to_numpy()
        for measure, metrics in _measures(model, truth, predicted).items():
            how = {"y_true": truth, "y_pred": predicted, "sensitive_features": names}
            groups = MetricFrame(metrics={"rows": count, **metrics}, **how).by_group
            large = groups[groups["rows"] >= config.gates.groups.min_rows].dropna()
            found.append({"column": column, "measure": measure} | _largest(large))
    columns = None if found else ["column", "measure", "gap", "low", "status"]
    return pd.DataFrame(found, columns=columns).round(6)


def _measures(model: Remembered, truth: np.ndarray, predicted: np.ndarray) -> dict[str, Metrics]:
    from fairlearn.metrics import count, false_negative_rate, selection_rate

    if not isinstance(model, Classes):
        whole = mean_absolute_error(truth, predicted)
        relative: Metrics = {
            "value": lambda t, p: mean_absolute_error(t, p) / whole,
            "error": lambda t, p: sem(np.abs(t - p)) / whole,
        }
        return {FAR: relative}
    if len(model.classes_) > 2:
        return {RIGHT: {"value": accuracy_score, "trials": count}}
    return {
        MISSED: {
            "value": lambda t, p: false_negative_rate(t, p) if t.any() else float("nan"),
            "trials": lambda t, _: t.sum(),
        },
        SELECTED: {"value": selection_rate, "trials": count},
    }


def _largest(groups: pd.DataFrame) -> dict[str, object]:
    """The pair that is furthest apart, and the lower end of the gap's 95 % interval.

    That comes from the two groups' own intervals (Newcombe, 1998, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I), which are wider the
    more pairs there are (Bonferroni), since the largest gap of many is large by chance.
    """
    if len(groups) < 2:
        return {"gap": None, "low": None, "groups": len(groups), "status": "inconclusive"}
    level = 1 - 0.05 / len(list(combinations(groups.index, 2)))
    ranked = groups.sort_values("value", kind="stable")
    low, high = ranked.iloc[0], ranked.iloc[-1]
    gap = high["value"] - low["value"]
    off = (high["value"] - _ends(high, level)[0], _ends(low, level)[1] - low["value"])
    return {
        "gap": gap,
        "low": max(0.0, gap - float(np.hypot(*off))),
        "groups": len(groups),
        "highest": high.name,
        "highest_value": high["value"],
        "lowest": low.name,
        "lowest_value": low["value"],
        "status": "ok",
    }


def _ends(group: pd.Series, level: float) -> tuple[float, float]:
    """The interval of one group's value: Wilson's for a rate, the normal one for a mean."""
    if "error" in group:
        half = norm.ppf((1 + level) / 2) * group["error"]
        return group["value"] - half, group["value"] + half
    trials = int(group["trials"])
    ends = binomtest(round(group["value"] * trials), trials).proportion_ci(level, "wilson")
    return ends.low, ends.high
