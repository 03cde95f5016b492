"""What a model's predictions come to in use: who is ranked first, errors and their costs."""

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.metrics import precision_recall_curve

from ..bounds import Costs
from ..modeling.metrics import wilson
from .plots import ACCENT, GREY, draw

TOP_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Of the rows, those with the highest probability first."""

MIN_TOP_ROWS = 10
"""Of fewer rows a rate says nothing."""

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Of prediction intervals."""

MAX_POINTS = 200
"""Of a curve: more cannot be told apart, and make the page heavy."""

PER_ROWS = 1_000
"""Costs are given for so many rows, so that test sets of any size compare."""


def top_rows(is_positive: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """Say how many positive rows are among those with the highest probability.

    Args:
        is_positive: Whether each row is of the positive class.
        probability: Of that class, as predicted for each row.

    Returns:
        For each share of the rows its precision and its recall with Wilson's intervals, and the
        lift: how many times the rate of all rows its precision is.
    """
    # Stable, so that equal probabilities stay in the order of the table.
    by_probability = np.argsort(-probability, kind="stable")
    n_positive = int(is_positive.sum())
    found = []
    for share in TOP_SHARES:
        n_rows = round(share * len(probability))
        if n_rows < MIN_TOP_ROWS or not n_positive:
            continue
        top = by_probability[:n_rows]
        n_found = int(is_positive[top].sum())
        line = {"share": share, "rows": n_rows, "threshold": float(probability[top[-1]])}
        line |= _rate("precision", n_found, n_rows) | _rate("recall", n_found, n_positive)
        line["lift"] = line["precision"] / is_positive.mean()
        found.append(_rounded(line))
    return found


def decision(is_positive: np.ndarray, probability: np.ndarray, costs: Costs) -> dict[str, Any]:
    """Count the errors at the threshold that the costs give, and say what they cost.

    The threshold follows from the costs alone (Elkan, 2001, theorem 1), so nothing is fitted to
    the test set; it is the best one where probabilities come true, as the calibration shows.

    Args:
        is_positive: Whether each row is of the positive class.
        probability: Of that class, as predicted for each row.
        costs: Of a false positive and of a false negative.

    Returns:
        The threshold, the four counts, and the cost of PER_ROWS rows: with the model, and with
        the two decisions that need none.
    """
    is_predicted = probability >= costs.threshold
    n_false_positives = int((is_predicted & ~is_positive).sum())
    n_false_negatives = int((~is_predicted & is_positive).sum())
    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    per_row = PER_ROWS / len(is_positive)
    cost = n_false_positives * costs.false_positive + n_false_negatives * costs.false_negative
    return _rounded(
        {
            "false_positive_cost": costs.false_positive,
            "false_negative_cost": costs.false_negative,
            "threshold": costs.threshold,
            "true_positives": n_positive - n_false_negatives,
            "false_positives": n_false_positives,
            "false_negatives": n_false_negatives,
            "true_negatives": n_negative - n_false_positives,
            "cost": cost * per_row,
            "cost_of_none": n_positive * costs.false_negative * per_row,
            "cost_of_all": n_negative * costs.false_positive * per_row,
        }
    )


def prediction_intervals(truth: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Say how far the truth is from a prediction, for most rows.

    Split conformal intervals (Lei et al., 2018, doi:10.1080/01621459.2017.1307116): a new row of
    the same kind as the test set is within them with at least that probability.

    Args:
        truth: The true value of each row of the test set.
        predicted: The predicted value of each row.

    Returns:
        For each level half the width of the interval; levels that need more rows are not there.
    """
    errors = np.sort(np.abs(truth - predicted))
    found = []
    for level in LEVELS:
        # One more than the share of the rows, since the new row is one of them.
        position = ceil((len(errors) + 1) * level)
        if position <= len(errors):
            found.append(_rounded({"level": level, "half_width": float(errors[position - 1])}))
    return found


def precision_recall(
    is_positive: np.ndarray, probability: np.ndarray, point: tuple[float, float] | None
) -> str:
    """Draw precision against recall for every threshold.

    Args:
        is_positive: Whether each row is of the positive class.
        probability: Of that class, as predicted for each row.
        point: Recall and precision at the threshold in use; None if nothing is predicted there.

    Returns:
        The SVG.
    """
    precision, recall, _ = precision_recall_curve(is_positive, probability)
    meaning = (
        "For each share of the positive rows that is found, how many of those named are right."
    )
    with draw("precision-recall", "Precision and recall", meaning) as plot:
        shown = _thinned(len(recall))
        plot.axes.plot(recall[shown], precision[shown], color=ACCENT, label="model")
        rate_of_all = float(is_positive.mean())
        plot.axes.axhline(rate_of_all, color=GREY, linestyle="--", label="at random")
        if point:
            plot.axes.plot(*point, "o", color=ACCENT, markersize=8, label="threshold")
        plot.axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.05))
        _finish(plot.axes)
    return plot.svg


def gain(is_positive: np.ndarray, probability: np.ndarray) -> str:
    """Draw the share of the positive rows that is found among those with the highest probability.

    Args:
        is_positive: Whether each row is of the positive class.
        probability: Of that class, as predicted for each row.

    Returns:
        The SVG.
    """
    by_probability = np.argsort(-probability, kind="stable")
    found = is_positive[by_probability].cumsum() / max(int(is_positive.sum()), 1)
    share = np.arange(1, len(found) + 1) / len(found)
    meaning = "Of the positive rows, the share found by looking at so many of all rows."
    with draw("gain", "Gain", meaning) as plot:
        shown = _thinned(len(share))
        plot.axes.plot(share[shown], found[shown], color=ACCENT, label="highest probability first")
        plot.axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="rows at random")
        plot.axes.set(xlabel="share of rows looked at", ylabel="share of positives found")
        _finish(plot.axes)
    return plot.svg


def costs(is_positive: np.ndarray, probability: np.ndarray, each: Costs) -> str:
    """Draw what the errors cost at each threshold.

    Args:
        is_positive: Whether each row is of the positive class.
        probability: Of that class, as predicted for each row.
        each: What one error of each kind costs.

    Returns:
        The SVG.
    """
    # Sorted once, so that each threshold is a look-up and not a pass over the rows.
    thresholds = np.linspace(0, 1, 101)
    of_positives = np.sort(probability[is_positive])
    of_negatives = np.sort(probability[~is_positive])
    n_false_negatives = np.searchsorted(of_positives, thresholds)
    n_false_positives = len(of_negatives) - np.searchsorted(of_negatives, thresholds)
    cost = n_false_positives * each.false_positive + n_false_negatives * each.false_negative
    meaning = "The cost of the errors by threshold; acting on all rows or on none costs the ends."
    with draw("costs", "Costs", meaning) as plot:
        plot.axes.plot(thresholds, cost * PER_ROWS / len(probability), color=ACCENT)
        plot.axes.axvline(
            each.threshold, color=GREY, linestyle="--", label=f"threshold {each.threshold:.2g}"
        )
        plot.axes.set(xlabel="threshold", ylabel=f"cost of {PER_ROWS:,} rows")
        plot.axes.set_ylim(bottom=0)
        _finish(plot.axes)
    return plot.svg


def periods(table: pd.DataFrame, whole: float, metric: str) -> str:
    """Draw the score of each period of the test set with its interval.

    Args:
        table: What `period_table` returned, with at least two rows that are `ok`.
        whole: The score on the whole test set.
        metric: What the scores are of.

    Returns:
        The SVG.
    """
    shown = table[table["status"] == "ok"]
    meaning = f"{metric} in each period of the test set, with 95% interval."
    with draw("periods", "Score over time", meaning) as plot:
        places = np.arange(len(shown))
        lengths = np.clip([shown["score"] - shown["low"], shown["high"] - shown["score"]], 0, None)
        plot.axes.axhline(whole, color=GREY, linestyle="--", label="all rows")
        plot.axes.errorbar(places, shown["score"], yerr=lengths, fmt="o", color=ACCENT, capsize=3)
        # At most six labels, or they would touch.
        step = ceil(len(places) / 6)
        plot.axes.set_xticks(places[::step], shown["period"].iloc[::step])
        plot.axes.set(ylabel=metric, xlim=(-0.5, len(shown) - 0.5))
        _finish(plot.axes)
    return plot.svg


def _finish(axes: Axes) -> None:
    axes.grid()
    # Above the axes, where it hides no line.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)


def _thinned(n_points: int) -> np.ndarray:
    """Positions of at most MAX_POINTS points, the first and the last among them."""
    # Evenly by position: rounding may name one twice.
    return np.unique(np.linspace(0, n_points - 1, min(n_points, MAX_POINTS)).round().astype(int))


def _rate(name: str, n_successes: int, n_trials: int) -> dict[str, float]:
    low, high = wilson(n_successes, n_trials)
    return {name: n_successes / n_trials, f"{name}_low": low, f"{name}_high": high}


def _rounded(line: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in line.items()}
