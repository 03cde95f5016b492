"""The report's page: every number of it comes from a file in reports/, every plot from these."""

from typing import Any

import pandas as pd

from ..config import Config
from . import class_names, digits, figure, interval, render
from .groups import MEANINGS

Plots = dict[str, str]
"""SVG by the name of the plot."""

CAPTIONS = {
    "calibration": (
        "Calibration",
        "Each point is a tenth of the rows with its 95% interval; on the dashed line predictions "
        "come true.",
    ),
    "precision-recall": (
        "Precision and recall",
        "For each threshold: how many of the rows that are named are right, and how many of those "
        "that there are it finds.",
    ),
    "gain": ("Gain", "How many are found by looking at those with the highest probability first."),
    "costs": ("Costs", "What the errors cost at each threshold, under the assumption below."),
    "confusion": (
        "Right and wrong",
        "Of the rows of each true class, the share that was predicted to be each class.",
    ),
    "residuals": (
        "Residuals",
        "Each point is a twentieth of the rows; at zero they are right on average.",
    ),
    "periods": ("Score over time", "With its 95% interval; the dashed line is the whole test set."),
    "importance": ("Importance", "With its 95% interval; at zero the model can do without it."),
    "slices": ("Skill score by slice", "With its 95% interval and number of rows."),
    "selection": (
        "Candidates",
        "Each point is the score on one part of the training set, trained on the others.",
    ),
}
"""Title of each plot and what it shows, by its name."""

DEPENDENCE = "The average prediction if every row had this value."
"""What the plots `dependence-1` and so on show; their titles name a feature."""

METRICS = {
    "accuracy": "accuracy, the share that is right",
    "precision": "precision at the threshold",
    "recall": "recall at the threshold",
    "average_precision": "average precision",
    "brier_score": "Brier score, 0 is best",
    "log_loss": "log loss, 0 is best",
    "r2": "R², 1 is best",
    "neg_mean_absolute_error": "mean absolute error, 0 is best",
    "neg_root_mean_squared_error": "root mean squared error, 0 is best",
    "neg_mean_absolute_percentage_error": "mean absolute error as a share of the truth",
}
"""What people call a metric; another keeps the name that scikit-learn gives it."""

Line = list[str]
"""The cells of a line of a table; the first one names it."""

MAX_LISTED_SLICES = 60
"""In the table, the weakest of more: reports/slices.csv has all."""


def page(
    config: Config,
    facts: dict[str, Any],
    details: dict[str, Any],
    metrics: dict[str, float],
    plots: Plots,
) -> str:
    """Write the page.

    Args:
        config: Names the model and the thresholds that the page explains.
        facts: What reports/slices.json holds.
        details: What reports/report.json holds.
        metrics: What reports/metrics.json holds.
        plots: In the order of the page; those of CAPTIONS that suit the task.

    Returns:
        HTML that needs no other file and no network.
    """
    slices = pd.DataFrame(facts["slices"], columns=None if facts["slices"] else ["status", "skill"])
    groups = facts["groups"]
    is_clear = slices["status"] == "ok"
    clear = slices[is_clear].sort_values("skill", kind="stable").head(MAX_LISTED_SLICES)
    unclear = slices[~is_clear]
    names = class_names(facts["target"], details["classes"])
    words = facts | {"positive": names[-1] if names else None}
    figures = _figures(details, plots)
    drivers = [name for name in figures if name.startswith(("importance", "dependence"))]
    # These have sections of their own.
    elsewhere = {"slices", "selection", "periods", *drivers}
    return render(
        "report.html",
        title=f"Model report: {config.model.name}",
        facts=facts,
        details=details,
        tables={
            "metrics": _metric_lines(facts, metrics),
            "slices": _slice_lines(clear),
            "gaps": _gap_lines(groups),
            **_detail_tables(details),
        },
        names=names,
        quality_plots=[found for name, found in figures.items() if name not in elsewhere],
        driver_plots=[figures[name] for name in drivers],
        period_plots=[figures[name] for name in figures if name == "periods"],
        slice_plots=[figures[name] for name in figures if name == "slices"],
        selection=figures["selection"],
        **_headline(facts),
        tiles=_tiles(clear, groups),
        n_slices=len(slices),
        n_unclear=len(unclear),
        min_rows=config.gates.slices.min_rows,
        slice_head=_slice_head(facts, clear),
        unclear=unclear.head(MAX_LISTED_SLICES).to_dict("records"),
        gaps=groups,
        meanings={gap["measure"]: MEANINGS[gap["measure"]].format(**words) for gap in groups},
        max_gap=config.gates.groups.max_gap,
        # `make report` fills it in: DVC compares this page with the one before.
        standing=None,
    )


def _headline(facts: dict[str, Any]) -> dict[str, str]:
    """The score and the skill score as the page writes them in several places."""
    return {
        "score": f"{facts['score']:.3f}",
        "score_ends": f"{facts['low']:.3f} to {facts['high']:.3f}",
        "baseline": f"{facts['baseline']:.3f}",
        "skill": f"{facts['skill']:.2f}",
        "skill_ends": f"{facts['skill_low']:.2f} to {facts['skill_high']:.2f}",
    }


def _figures(details: dict[str, Any], plots: Plots) -> dict[str, dict[str, str]]:
    """The plots with what is written above them."""
    captions = dict(CAPTIONS)
    for number, line in enumerate(details["dependence"], 1):
        captions[f"dependence-{number}"] = (line["feature"], DEPENDENCE)
    found = {}
    for name, svg in plots.items():
        title, caption = captions[name]
        found[name] = {"title": title, "caption": caption, "svg": svg}
    return found


def _detail_tables(details: dict[str, Any]) -> dict[str, list[Line]]:
    """The tables whose numbers are in reports/report.json; those of other tasks have no line."""
    return {
        "top_rows": _top_lines(details.get("top_rows") or []),
        "intervals": _interval_lines(details.get("intervals") or []),
        "periods": _period_lines(details["periods"] or []),
        "importance": _importance_lines(details["importance"] or []),
    }


def _tiles(clear: pd.DataFrame, groups: list[dict[str, Any]]) -> list[Line]:
    """What stands in the tiles beside the score: a name, a value and what it means."""
    tiles = []
    if not clear.empty:
        # They are sorted, the weakest first.
        weakest = clear.iloc[0]
        name = f"{weakest['column']}={weakest['value']}"
        meaning = f"skill score {weakest['skill']:.2f}, {weakest['rows']:,} rows"
        tiles.append(["weakest slice", name, meaning])
    measured = [gap for gap in groups if gap["status"] == "ok"]
    if measured:
        widest = max(measured, key=lambda gap: float(gap["gap"]))
        what = f"{widest['measure']} by {widest['column']}"
        meaning = f"{what}; lower confidence bound {widest['low']:.2f}"
        tiles.append(["widest gap between groups", f"{widest['gap']:.2f}", meaning])
    return tiles


def _metric_lines(facts: dict[str, Any], metrics: dict[str, float]) -> list[Line]:
    """A line for each metric that has an interval; an error is written without its sign."""
    baselines = {facts["metric"]: facts["baseline"]}
    lines = []
    for name, value in metrics.items():
        # The number of rows, and the ends themselves.
        if f"{name}_low" not in metrics:
            continue
        low = metrics[f"{name}_low"]
        high = metrics[f"{name}_high"]
        baseline = metrics.get(f"{name}_baseline", baselines.get(name))
        written = interval(value, low, high, digits(value))
        if name.startswith("neg_"):
            written = interval(-value, -high, -low, digits(value))
            baseline = None if baseline is None else -baseline
        called = METRICS.get(name, name.removeprefix("neg_").replace("_", " "))
        lines.append([called, written, "" if baseline is None else figure(baseline)])
    return lines


def _top_lines(top_rows: list[dict[str, Any]]) -> list[Line]:
    """A line for each share of the rows with the highest probability."""
    lines = []
    for top in top_rows:
        shown = f"highest {100 * top['share']:.0f}% ({top['rows']:,})"
        precision = interval(top["precision"], top["precision_low"], top["precision_high"], ".0%")
        recall = interval(top["recall"], top["recall_low"], top["recall_high"], ".0%")
        threshold = f"{top['threshold']:.3f}"
        lines.append([shown, threshold, precision, recall, f"{top['lift']:.1f}"])
    return lines


def _interval_lines(intervals: list[dict[str, Any]]) -> list[Line]:
    """A line for each share of rows with its half width."""
    return [[f"{100 * line['level']:.0f}%", figure(line["half_width"])] for line in intervals]


def _period_lines(periods: list[dict[str, Any]]) -> list[Line]:
    """A line for each period."""
    lines = []
    for period in periods:
        scores = ["inconclusive", ""]
        if period["status"] == "ok":
            scores = _scores(period)
        lines.append([str(period["period"]), f"{period['rows']:,}", *scores])
    return lines


def _scores(measured: Any) -> list[str]:
    """Score and skill score of some rows, each with its interval."""
    return [
        interval(measured["score"], measured["low"], measured["high"]),
        interval(measured["skill"], measured["skill_low"], measured["skill_high"], ".2f"),
    ]


def _importance_lines(importance: list[dict[str, Any]]) -> list[Line]:
    """A line for each feature."""
    lines = []
    for line in importance:
        lost = interval(line["importance"], line["low"], line["high"])
        lines.append([line["feature"], lost])
    return lines


def _slice_head(facts: dict[str, Any], clear: pd.DataFrame) -> Line:
    """The names of what `_slice_lines` gives; no row of a regression is simply wrong."""
    head = ["slice", "rows", facts["metric"], "skill score"]
    if "error" in clear:
        head.append("errors")
    return head


def _slice_lines(clear: pd.DataFrame) -> list[Line]:
    """A line for each slice that could be measured."""
    lines = []
    for _, part in clear.iterrows():
        line = [f"{part['column']}={part['value']}", f"{part['rows']:,}", *_scores(part)]
        if "error" in clear:
            line.append(interval(part["error"], part["error_low"], part["error_high"], ".0%"))
        lines.append(line)
    return lines


def _gap_lines(groups: list[dict[str, Any]]) -> list[Line]:
    """A line for each measure of each sensitive column."""
    lines = []
    for gap in groups:
        found = ["", "", "inconclusive: too few rows", ""]
        if gap["status"] == "ok":
            highest = f"{gap['highest']}: {gap['highest_value']:.2f}"
            lowest = f"{gap['lowest']}: {gap['lowest_value']:.2f}"
            found = [highest, lowest, f"{gap['gap']:.2f}", f"{gap['low']:.2f}"]
        lines.append([gap["column"], gap["measure"], *found])
    return lines
