"""The report's plots, as SVG to stand inside a page: same numbers, same bytes; light and dark."""

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

INK, ACCENT, GREY = "#010203", "#3a7bd5", "#8a8f98"
SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a value is a dollar
    "xtick.color": INK,
    "ytick.color": INK,
}
# What differs from run to run, would stand twice in a page, or is no part of the picture.
NOISE = re.compile(r'\s*<metadata>.*?</metadata>| id="\w+_\d+"|[ \t]+(?=\n)', re.DOTALL)
CLASSES, SLICES, LETTERS = 12, 40, 40


class Plot:
    """A plot being drawn; `svg` is there once it is."""

    axes: Axes
    svg: str


@contextmanager
def drawing(name: str, meaning: str, height: float = 3.6) -> Iterator[Plot]:
    """Axes to draw on; `meaning` is what a screen reader says."""
    plot, file = Plot(), io.StringIO()
    with rc_context(SETTINGS | {"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that no font here has: the reader's may
        figure = Figure(figsize=(7.4, height), layout="constrained")
        plot.axes = figure.subplots()
        yield plot
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    _, tag, drawn = file.getvalue().partition("<svg")
    svg = NOISE.sub("", tag + drawn).replace(INK, "currentColor")
    plot.svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(meaning)}"', 1)


def short(text: object) -> str:
    """The text, cut where it is too long for a label."""
    return str(text) if len(str(text)) <= LETTERS else f"{str(text)[: LETTERS - 1]}…"


def calibration(table: pd.DataFrame, likely: bool) -> str:
    """Mean outcome against mean prediction, in bins of equally many rows."""
    meaning = "What happened against what was predicted; on the diagonal they agree."
    with drawing("calibration", meaning) as plot:
        ends = [table.min().min(), table.max().max()]
        plot.axes.plot(ends, ends, color=GREY, linestyle="--", label="exactly as predicted")
        plot.axes.plot(
            table["predicted"], table["observed"], color=ACCENT, marker="o", label="the model"
        )
        kind = "probability" if likely else "value"
        plot.axes.set(xlabel=f"predicted {kind}", ylabel="what happened, on average")
        plot.axes.grid()
        plot.axes.legend()
    return plot.svg


def confusion(truth: np.ndarray, predicted: np.ndarray) -> str:
    """Share of each true class by predicted class; of many classes the commonest."""
    common = pd.Series(truth).value_counts().index[:CLASSES]
    label = {value: short(value) for value in sorted(common)}
    names = [*label.values(), *(["other"] if {*truth, *predicted} - {*common} else [])]
    true, told = (pd.Series(v).map(label).fillna("other") for v in (truth, predicted))
    table = pd.crosstab(true, told).reindex(index=names, columns=names, fill_value=0)
    counts = table.to_numpy()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    meaning = "What was predicted for each true class."
    with drawing("confusion", meaning, 1.6 + 0.42 * len(names)) as plot:
        tints = ListedColormap([(*to_rgb(ACCENT), alpha) for alpha in np.linspace(0, 0.65, 64)])
        plot.axes.pcolormesh(shares, cmap=tints, vmin=0, vmax=1, edgecolors=GREY, linewidth=0.3)
        for (row, column), count in np.ndenumerate(counts):
            text = f"{shares[row, column]:.0%}" + (f"  ({count:,})" if len(names) < 6 else "")
            plot.axes.text(column + 0.5, row + 0.5, text, ha="center", va="center")
        ticks = np.arange(len(names)) + 0.5
        plot.axes.set_xticks(ticks, names, rotation=0 if len(names) < 6 else 45)
        plot.axes.set_yticks(ticks, names)
        plot.axes.set(xlabel="predicted", ylabel="true")
        plot.axes.invert_yaxis()
    return plot.svg


def residuals(truth: np.ndarray, predicted: np.ndarray) -> str:
    """How far the truth is from the prediction, over the range of predictions."""
    table = pd.DataFrame({"predicted": predicted, "off": truth - predicted})
    bins = pd.qcut(table["predicted"].rank(method="first"), min(20, len(table)), labels=False)
    low, middle, high = (table["off"].groupby(bins).quantile(q) for q in (0.1, 0.5, 0.9))
    where = table["predicted"].groupby(bins).mean()
    with drawing("residuals", "How far the truth is from the prediction.") as plot:
        plot.axes.axhline(0, color=GREY, linestyle="--")
        plot.axes.fill_between(where, low, high, color=ACCENT, alpha=0.25, label="80% of the rows")
        plot.axes.plot(where, middle, color=ACCENT, marker="o", label="median")
        plot.axes.set(xlabel="predicted value", ylabel="truth minus prediction")
        plot.axes.grid()
        plot.axes.legend()
    return plot.svg


def forest(slices: pd.DataFrame, whole: float) -> str:
    """The skill on each slice with its interval; of many slices the weakest."""
    shown = slices[slices["status"] == "ok"]
    if len(shown) > SLICES:
        shown = shown.loc[shown["skill"].nsmallest(SLICES).index.sort_values()]
    meaning = "Skill on each slice, with 95% interval."
    with drawing("forest", meaning, 1.2 + 0.27 * len(shown)) as plot:
        lines = zip(shown["column"], shown["value"], shown["rows"], strict=True)
        names = [f"{short(f'{column}={value}')}  ({rows:,})" for column, value, rows in lines]
        places = np.arange(len(shown))
        off = [shown["skill"] - shown["skill_low"], shown["skill_high"] - shown["skill"]]
        plot.axes.axvline(whole, color=GREY, linestyle="--", label="all rows")
        plot.axes.axvline(0, color=GREY, linestyle=":", label="trivial model")
        plot.axes.errorbar(
            shown["skill"], places, xerr=np.clip(off, 0, None), fmt="o", color=ACCENT, capsize=3
        )
        plot.axes.set_yticks(places, names)
        plot.axes.set(xlabel="skill: 0 is no better than trivial, 1 is perfect")
        plot.axes.invert_yaxis()
        plot.axes.grid(axis="x")
        plot.axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return plot.svg


def folds(scores: pd.DataFrame, chosen: str, metric: str) -> str:
    """The score of each candidate in each fold of the cross-validation."""
    names = list(dict.fromkeys(scores["candidate"]))
    with drawing("folds", "Score of each candidate in each fold.", 1 + 0.45 * len(names)) as plot:
        for place, name in enumerate(names):
            values = scores.loc[scores["candidate"] == name, "score"]
            colour = ACCENT if name == chosen else GREY
            plot.axes.scatter(values, [place] * len(values), color=colour, alpha=0.6)
            plot.axes.vlines(values.mean(), place - 0.3, place + 0.3, color=colour, linewidth=2)
        told = [f"{name} (chosen)" if name == chosen else name for name in names]
        plot.axes.set_yticks(range(len(names)), told)
        plot.axes.set(xlabel=f"{metric} in a fold; the bar is the mean")
        plot.axes.invert_yaxis()
        plot.axes.grid(axis="x")
    return plot.svg
