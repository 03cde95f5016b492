"""What drives the model: which features it needs, and how its predictions follow them."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.inspection import partial_dependence
from sklearn.pipeline import Pipeline

from ..config import Config
from ..modeling.metrics import bootstrap, half_width
from .plots import ACCENT, COLORS, GREY, draw, short
from .scores import CachedModel, Rows, cache_predictions, rows_of

MAX_ROWS = 1_000
"""Of the test set: enough for an interval that tells large from small."""

MAX_FEATURES = 8
"""The most important of more: each costs a prediction of the rows and its draws."""

MAX_AVERAGED_ROWS = 200
"""For a partial dependence, which predicts them once for each value of the feature."""

N_VALUES = 20
"""Points of a partial dependence of a number."""

MAX_CATEGORIES = 8
"""Of a category, the commonest."""

MAX_CLASSES = 5
"""In a plot of probabilities."""

TOP = 3
"""Features whose partial dependence is shown."""


def importances(
    config: Config,
    model: Pipeline,
    features: pd.DataFrame,
    targets: tuple[pd.Series, pd.Series],
    worth: dict[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """Measure the loss of skill score on the test set when a feature's values are shuffled.

    Breiman, 2001, doi:10.1023/A:1010933404324, section 10. Stage `challenge` measured the same by
    cross-validation, to tell features from chance; here it is the model at hand, and the interval
    is that of the rows, by the paired bootstrap of every other difference. scikit-learn's function
    gives the spread over shuffles instead, which says nothing of other rows.

    Args:
        config: Names the metric and the seed.
        model: The fitted model.
        features: Of the test set.
        targets: Of the training set and of the test set.
        worth: By feature, what stage `challenge` found; it says which are measured.

    Returns:
        For each of the most important features its `importance` with `low` and `high`, the
        largest first.
    """
    train_target, test_target = targets
    sampled = _sample(config, len(features), MAX_ROWS)
    table = features.iloc[sampled]
    rows = rows_of(config, train_target, test_target.iloc[sampled])
    predictions = cache_predictions(model, table)
    score = rows.score(predictions)
    draws = _draws(config, rows, predictions)
    rng = np.random.default_rng(config.seed)
    found: list[dict[str, Any]] = []
    for name in sorted(worth, key=lambda feature: -worth[feature]["importance"])[:MAX_FEATURES]:
        # The array, because a Series would be put back in the order of its index.
        shuffled = table.assign(**{name: table[name].array[rng.permutation(len(table))]})
        without = cache_predictions(model, shuffled)
        # A difference of scores over the range is a difference of skill scores.
        lost = (score - rows.score(without)) / rows.score_range
        differences = (draws - _draws(config, rows, without)) / rows.score_range
        half = half_width(differences, 0.95)
        found.append({"feature": name, "importance": lost, "low": lost - half, "high": lost + half})
    # NaN where the metric is undefined on these rows: then nothing is known of the feature.
    known = [line for line in found if np.isfinite([line["importance"], line["low"]]).all()]
    known.sort(key=lambda line: -line["importance"])
    return [{**line, **_rounded(line)} for line in known]


def _draws(config: Config, rows: Rows, model: CachedModel) -> np.ndarray:
    """The score on each draw of the rows, the same draws for every model."""
    return bootstrap(rows.metric, model, rows.truth, rows.numbers, config.seed)


def dependence(
    config: Config, model: Pipeline, features: pd.DataFrame, names: list[str]
) -> list[dict[str, Any]]:
    """Average the predictions over rows in which a feature has one value after the other.

    Friedman, 2001, doi:10.1214/aos/1013203451, section 8.2. The other features stay as they are,
    so where two always move together some of these rows exist nowhere.

    Args:
        config: Fixes the sample of the rows.
        model: The fitted model.
        features: Of the test set.
        names: The features to show.

    Returns:
        For each feature its `values` and the mean predictions, `means`, a list for each output of
        the model: one for a number and for two classes, else one a class.
    """
    table = features.iloc[_sample(config, len(features), MAX_AVERAGED_ROWS)]
    # scikit-learn refuses whole numbers, between which a grid has values.
    numbers = table.select_dtypes("integer").columns
    table = table.astype(dict.fromkeys(numbers, float))
    found = []
    for name in names:
        grid = _grid(features[name])
        if len(grid) < 2:
            continue
        result = partial_dependence(
            model, table, [name], custom_values={name: grid}, method="brute", kind="average"
        )
        means = np.round(result["average"], 6).tolist()
        found.append({"feature": name, "values": grid.tolist(), "means": means})
    return found


def _grid(values: pd.Series) -> np.ndarray:
    """The values to show: of a number from its 5th to its 95th percentile, else the commonest."""
    known = values.dropna()
    if not pd.api.types.is_numeric_dtype(known):
        return known.astype(object).value_counts().index[:MAX_CATEGORIES].to_numpy()
    distinct = np.unique(known.to_numpy(dtype=float))
    # Few values, such as counts, are shown as they are.
    if len(distinct) <= N_VALUES:
        return distinct
    # Ends that few rows have are where an average says least.
    low, high = np.percentile(known.to_numpy(dtype=float), [5, 95])
    return np.unique(np.linspace(low, high, N_VALUES).round(6))


def _sample(config: Config, n_rows: int, most: int) -> np.ndarray:
    drawn = np.random.default_rng(config.seed).permutation(n_rows)[:most]
    return np.sort(drawn)


def _rounded(line: dict[str, Any]) -> dict[str, float]:
    return {name: round(line[name], 6) for name in ("importance", "low", "high")}


def draw_importances(table: list[dict[str, Any]]) -> str:
    """Draw the importance of each feature with its interval.

    Args:
        table: What `importances` returned.

    Returns:
        The SVG.
    """
    meaning = "Skill score that the model loses without each feature, with 95% interval."
    height = 1 + 0.3 * len(table)
    with draw("importance", "Importance", meaning, height) as plot:
        places = np.arange(len(table))
        values = np.array([line["importance"] for line in table])
        ends = np.array([[line["low"], line["high"]] for line in table]).T
        plot.axes.axvline(0, color=GREY, linestyle=":")
        plot.axes.errorbar(
            values, places, xerr=np.abs(ends - values), fmt="o", color=ACCENT, capsize=3
        )
        plot.axes.set_yticks(places, [short(line["feature"]) for line in table])
        plot.axes.set(xlabel="skill score lost when it is shuffled")
        plot.axes.invert_yaxis()
        plot.axes.grid(axis="x")
    return plot.svg


def draw_dependence(number: int, line: dict[str, Any], outputs: list[str]) -> str:
    """Draw how the average prediction follows a feature.

    Args:
        number: Of the plot, since a name must be unique in the page.
        line: An entry of what `dependence` returned.
        outputs: What each list of means is of: names of classes, or one name.

    Returns:
        The SVG.
    """
    name = line["feature"]
    meaning = f"The average prediction for each value of {name}."
    with draw(f"dependence-{number}", f"How predictions follow {name}", meaning) as plot:
        shown = list(zip(outputs, line["means"], strict=True))
        if len(shown) > MAX_CLASSES:
            # Those that follow the feature most; else a class has the same color in every plot.
            shown.sort(key=lambda pair: min(pair[1]) - max(pair[1]))
        is_number = not isinstance(line["values"][0], str)
        for (output, means), color in zip(shown[:MAX_CLASSES], COLORS, strict=False):
            _draw_output(plot.axes, line["values"], means, color, output, is_number)
        ylabel = f"average prediction of {short(outputs[0])}"
        if len(shown) > 1:
            ylabel = "average probability"
            plot.axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
        plot.axes.set(xlabel=short(name) if is_number else "", ylabel=ylabel)
        plot.axes.grid()
    return plot.svg


def _draw_output(
    axes: Axes,
    values: list[Any],
    means: list[float],
    color: str,
    output: str,
    is_number: bool,
) -> None:
    if is_number:
        axes.plot(values, means, color=color, marker=".", label=short(output))
        return
    # No line between categories, which have no order.
    places = np.arange(len(values))
    axes.plot(places, means, "o", color=color, label=short(output))
    labels = [str(value)[:12] for value in values]
    axes.set_xticks(places, labels, rotation=30 if len(values) > 4 else 0)
    axes.margins(x=0.15)
