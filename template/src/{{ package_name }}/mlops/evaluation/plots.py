"""The report's plots, as SVG to be part of a page: same numbers, same bytes; light and dark."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure

INK = "#010203"  # no color that is drawn: it becomes the page's own, which differs in the dark
ACCENT = "#3a7bd5"
GREY = "#8a8f98"
COLORS = (ACCENT, "#c8762b", "#2e9e78", "#a35bb5", GREY)
"""Of several lines; each is readable on white and on black."""

SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: it can be selected and read aloud
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a value is a dollar
    "xtick.color": INK,
    "ytick.color": INK,
}

# What differs from run to run, would be twice in a page, or is no part of the picture.
NOISE = re.compile(r'\s*<metadata>.*?</metadata>| id="[\w.]+_\d+"|[ \t]+(?=\n)', re.DOTALL)

MAX_CLASSES = 12
"""In the confusion matrix; rarer classes are one."""

MAX_SLICES = 40
"""In the plot of slices: the weakest."""

MAX_LETTERS = 28
"""In a label."""

MAX_COUNTED_CLASSES = 5
"""So many classes leave room for the number of rows in a cell, and for level labels."""


NARROW = 4.6
WIDE = 7.4
"""Widths in inches. A narrow plot keeps its letters readable on a telephone."""


class Plot:
    """A plot being drawn; `svg` is there once the `with` block of `drawing` has ended."""

    axes: Axes
    svg: str


@contextmanager
def draw(
    name: str, title: str, meaning: str, height: float = 3.2, width: float = NARROW
) -> Iterator[Plot]:
    """Give axes to draw on, and turn them into SVG.

    Args:
        name: Makes the identifiers within the SVG, which must differ from plot to plot.
        title: What a screen reader calls the plot.
        meaning: What it says of it.
        height: In inches.
        width: In inches: NARROW for a telephone, WIDE for long labels.

    Yields:
        The plot, with `axes`.
    """
    plot = Plot()
    file = io.StringIO()
    with rc_context(SETTINGS | {"svg.hashsalt": name}), warnings.catch_warnings():
        # A letter that no font here has: the reader's may.
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(width, height), layout="constrained")
        plot.axes = figure.subplots()
        yield plot
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    # An XML declaration and a doctype come before, which have no place within a page.
    _, tag, drawn = file.getvalue().partition("<svg")
    svg = NOISE.sub("", tag + drawn).replace(INK, "currentColor")
    named = f'<svg role="img" aria-labelledby="{name}-title" aria-describedby="{name}-desc"'
    svg = svg.replace("<svg", named, 1)
    words = (
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(meaning)}</desc>'
    )
    # Within the element that they are about, and before all that is drawn.
    start, end, drawn = svg.partition(">")
    plot.svg = start + end + words + drawn


def short(text: object) -> str:
    """Cut a text that is too long for a label."""
    label = str(text)
    if len(label) > MAX_LETTERS:
        return f"{label[: MAX_LETTERS - 1]}…"
    return label


def calibration(table: pd.DataFrame, likely: bool) -> str:
    """Draw mean outcome against mean prediction, in bins of equally many rows, with intervals.

    Args:
        table: A row a bin, with `predicted`, `observed` and its interval, `low` to `high`.
        likely: Whether these are probabilities.

    Returns:
        The SVG.
    """
    meaning = "What happened against what was predicted; on the diagonal they agree."
    with draw("calibration", "Calibration", meaning) as plot:
        places = table[["predicted", "observed"]]
        ends = [places.min().min(), places.max().max()]
        plot.axes.plot(ends, ends, color=GREY, linestyle="--", label="exactly as predicted")
        lengths = [table["observed"] - table["low"], table["high"] - table["observed"]]
        plot.axes.errorbar(
            table["predicted"],
            table["observed"],
            yerr=np.clip(lengths, 0, None),
            color=ACCENT,
            marker="o",
            capsize=2,
            elinewidth=1,
            label="the model",
        )
        kind = "probability" if likely else "value"
        plot.axes.set(xlabel=f"predicted {kind}", ylabel="what happened, on average")
        plot.axes.grid()
        plot.axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return plot.svg


def confusion(truth: np.ndarray, predicted: np.ndarray, order: list[str]) -> str:
    """Draw the share of each true class by predicted class; of many classes the commonest.

    Args:
        truth: The true class of each row.
        predicted: The predicted class of each row.
        order: The classes in the model's order; another comes after them.

    Returns:
        The SVG.
    """
    table = _confusion_table(truth, predicted, order)
    names = list(table.columns)
    counts = table.to_numpy()
    # A class that is predicted and never true has no rows to share out.
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    is_small = len(names) <= MAX_COUNTED_CLASSES
    meaning = "What was predicted for each true class."
    width = NARROW if is_small else WIDE
    with draw("confusion", "Right and wrong", meaning, 1.6 + 0.42 * len(names), width) as plot:
        # One color of growing opacity, so that the page shines through in light and dark.
        tints = [(*to_rgb(ACCENT), alpha) for alpha in np.linspace(0, 0.65, 64)]
        plot.axes.pcolormesh(
            shares, cmap=ListedColormap(tints), vmin=0, vmax=1, edgecolors=GREY, linewidth=0.3
        )
        for (row, column), count in np.ndenumerate(counts):
            text = f"{shares[row, column]:.0%}"
            if is_small:
                text += f"  ({count:,})"
            plot.axes.text(column + 0.5, row + 0.5, text, ha="center", va="center")
        ticks = np.arange(len(names)) + 0.5
        plot.axes.set_xticks(ticks, names, rotation=0 if is_small else 45)
        plot.axes.set_yticks(ticks, names)
        plot.axes.set(xlabel="predicted", ylabel="true")
        plot.axes.invert_yaxis()
    return plot.svg


def _confusion_table(truth: np.ndarray, predicted: np.ndarray, order: list[str]) -> pd.DataFrame:
    """Counts by true class (rows) and predicted class (columns), both in the same order."""
    common = pd.Series(truth).value_counts().index[:MAX_CLASSES]
    unknown = [value for value in common if value not in order]
    labels = {value: short(value) for value in [*order, *unknown] if value in common}
    true_labels = pd.Series(truth).map(labels).fillna("other")
    predicted_labels = pd.Series(predicted).map(labels).fillna("other")
    names = list(labels.values())
    present = set(true_labels) | set(predicted_labels)
    if "other" in present and "other" not in names:
        names.append("other")
    table = pd.crosstab(true_labels, predicted_labels)
    return table.reindex(index=names, columns=names, fill_value=0)


def residuals(truth: np.ndarray, predicted: np.ndarray) -> str:
    """Draw how far the truth is from the prediction, over the range of predictions.

    Args:
        truth: The true value of each row.
        predicted: The predicted value of each row.

    Returns:
        The SVG.
    """
    table = pd.DataFrame({"predicted": predicted, "off": truth - predicted})
    # By rank, because many equal predictions would leave no edges between bins.
    ranks = table["predicted"].rank(method="first")
    bins = pd.qcut(ranks, min(20, len(table)), labels=False)
    off = table["off"].groupby(bins)
    center = table["predicted"].groupby(bins).mean()
    meaning = "How far the truth is from the prediction, by predicted value."
    with draw("residuals", "Residuals", meaning) as plot:
        plot.axes.axhline(0, color=GREY, linestyle="--")
        plot.axes.fill_between(
            center,
            off.quantile(0.1),
            off.quantile(0.9),
            color=ACCENT,
            alpha=0.25,
            label="80% of the rows",
        )
        plot.axes.plot(center, off.quantile(0.5), color=ACCENT, marker="o", label="median")
        plot.axes.set(xlabel="predicted value", ylabel="truth minus prediction")
        plot.axes.grid()
        plot.axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return plot.svg


def slices(table: pd.DataFrame, whole: float) -> str:
    """Draw the skill score on each slice with its interval; of many slices the weakest.

    Args:
        table: The table of slices, as reports/slices.csv has it.
        whole: The skill score on the whole test set.

    Returns:
        The SVG.
    """
    shown = table[table["status"] == "ok"]
    if len(shown) > MAX_SLICES:
        # In the order of the table still, where slices of one column are next to each other.
        shown = shown.loc[shown["skill"].nsmallest(MAX_SLICES).index.sort_values()]
    names = []
    for column, value, rows in zip(shown["column"], shown["value"], shown["rows"], strict=True):
        names.append(f"{short(f'{column}={value}')}  ({rows:,})")
    meaning = "Skill score on each slice, with 95% interval."
    height = 1.2 + 0.27 * len(shown)
    with draw("slices", "Skill score by slice", meaning, height, WIDE) as plot:
        places = np.arange(len(shown))
        below = shown["skill"] - shown["skill_low"]
        above = shown["skill_high"] - shown["skill"]
        # Rounded ends may be past the value by a millionth, and matplotlib refuses negative bars.
        lengths = np.clip([below, above], 0, None)
        plot.axes.axvline(whole, color=GREY, linestyle="--", label="all rows")
        plot.axes.axvline(0, color=GREY, linestyle=":", label="baseline")
        plot.axes.errorbar(shown["skill"], places, xerr=lengths, fmt="o", color=ACCENT, capsize=3)
        plot.axes.set_yticks(places, names)
        plot.axes.set(xlabel="skill score: 0 is the baseline, 1 is perfect")
        plot.axes.invert_yaxis()
        plot.axes.grid(axis="x")
        plot.axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return plot.svg


def selection(scores: pd.DataFrame, chosen: str, metric: str) -> str:
    """Draw the score of each candidate in each fold of the cross-validation.

    Args:
        scores: A row a candidate and fold, with `candidate` and `score`.
        chosen: The name of the chosen candidate.
        metric: What the scores are of.

    Returns:
        The SVG.
    """
    # In the order of the table, which is from the simplest to the strongest.
    names = list(dict.fromkeys(scores["candidate"]))
    labels = []
    meaning = "Score of each candidate in each fold; the bar is the mean."
    height = 1 + 0.45 * len(names)
    with draw("selection", "Candidates", meaning, height, WIDE) as plot:
        for place, name in enumerate(names):
            values = scores.loc[scores["candidate"] == name, "score"]
            is_chosen = name == chosen
            color = ACCENT if is_chosen else GREY
            plot.axes.scatter(values, [place] * len(values), color=color, alpha=0.6)
            plot.axes.vlines(values.mean(), place - 0.3, place + 0.3, color=color, linewidth=2)
            labels.append(f"{name} (chosen)" if is_chosen else name)
        plot.axes.set_yticks(range(len(names)), labels)
        plot.axes.set(xlabel=f"{metric} in a fold; the bar is the mean")
        plot.axes.invert_yaxis()
        plot.axes.grid(axis="x")
    return plot.svg
