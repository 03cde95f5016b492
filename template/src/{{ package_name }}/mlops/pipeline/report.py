"""Stage `report`: what people read before they promote a model: slices, groups, plots, the card."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..config import Config
from ..evaluation import plots, render
from ..evaluation.card import fingerprints, write_card
from ..evaluation.groups import MEANINGS, group_gaps
from ..evaluation.scores import CachedModel, CachedRegressor, Rows, cache_predictions, rows_of
from ..evaluation.slices import slice_table
from ..modeling import with_tuned_settings
from ..modeling.inputs import inputs
from ..modeling.storage import load_model

CAPTIONS = {
    "calibration": "Each point is a tenth of the rows; on the dashed line predictions come true.",
    "confusion": "Of the rows of each true class, the share that was predicted to be each class.",
    "residuals": "Each point is a twentieth of the rows; at zero they are right on average.",
    "forest": "Skill score on each slice, with its 95% interval and number of rows.",
    "folds": "Each point is the score on one part of the training set, trained on the others.",
}
"""What each plot shows, by its name."""

FORMULA = r"^(?=[=+\-@\t\r])(?![+-]?[\d.]+$)"
"""The place before a value that a spreadsheet takes for a formula; a number is none."""

MAX_LISTED_SLICES = 60
"""In the table, the weakest of more: reports/slices.csv has all."""


def report(config: Config, root: Path) -> str:
    """Write slices.csv, slices.json and report.html, and bring the model card up to date.

    Args:
        config: The settings, as read from params.yaml.
        root: The project's folder.

    Returns:
        How many slices can be judged.

    Raises:
        ProjectError: A prediction is not finite.
    """
    config = with_tuned_settings(config, root)
    folder = root / "reports"
    train = pd.read_parquet(root / config.table("processed", "train"))
    test = pd.read_parquet(root / config.table("processed", "test"))
    _, train_target = inputs(config, train)
    features, target = inputs(config, test)
    rows = rows_of(config, train_target, target)
    model = cache_predictions(load_model(root / "models" / "model.skops"), features)
    slices = slice_table(config, test, rows, model)
    groups = group_gaps(config, test, rows.truth, model)

    facts: dict[str, Any] = fingerprints(config, root)
    facts |= _chosen(config, folder)
    facts |= {
        "target": config.data.target,
        "positive": str(model.classes_[-1]) if not isinstance(model, CachedRegressor) else None,
        "features": list(features),
        "train_rows": len(train),
        "rows": len(test),
    }
    facts |= _overall(config, folder, rows)
    # By way of pandas, which writes NaN as null: JSON has no other word for it.
    facts["slices"] = json.loads(slices.to_json(orient="records"))
    facts["groups"] = json.loads(groups.to_json(orient="records"))

    # A spreadsheet would compute what looks like a formula; OWASP's advice is an apostrophe.
    values = slices["value"].astype(str).str.replace(FORMULA, "'", regex=True)
    slices.assign(value=values).to_csv(folder / "slices.csv", index=False, lineterminator="\n")
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / "slices.json").write_text(text, encoding="utf-8")
    html = page(config, facts, slices, groups, _plots(facts, folder, slices, rows, model))
    (folder / "report.html").write_text(html, encoding="utf-8")
    # It reads what was just written, so it comes last.
    write_card(config, root)
    n_clear = int((slices["status"] == "ok").sum())
    return f"{n_clear} of {len(slices)} slices can be judged; reports/report.html shows them"


def _chosen(config: Config, folder: Path) -> dict[str, Any]:
    selection = json.loads((folder / "selection.json").read_text(encoding="utf-8"))
    chosen = selection["chosen"]
    settings = config.model.settings(chosen)
    return {"chosen": chosen, "settings": settings, "candidates": list(selection["means"])}


def _overall(config: Config, folder: Path, rows: Rows) -> dict[str, Any]:
    """The score on the whole test set with its interval, as a metric and as a skill score."""
    # As stage `evaluate` measured them, so that no number differs between two reports.
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metric = config.selection.metric
    score = metrics[metric]
    low = metrics[f"{metric}_low"]
    high = metrics[f"{metric}_high"]
    return {
        "metric": metric,
        "score": score,
        "low": low,
        "high": high,
        "baseline": round(rows.baseline_score, 6),
        "skill": round(rows.skill(score), 6),
        "skill_low": round(rows.skill(low), 6),
        "skill_high": round(rows.skill(high), 6),
    }


def _plots(
    facts: dict[str, Any], folder: Path, slices: pd.DataFrame, rows: Rows, model: CachedModel
) -> dict[str, str]:
    """The SVG of each plot by its name, in the order of the page."""
    predicted = model.predict(rows.numbers)
    is_classifier = not isinstance(model, CachedRegressor)
    # What stages `evaluate` and `train` measured is read, not computed again.
    calibration = pd.read_csv(folder / "plots" / "calibration.csv")
    found = {"calibration": plots.calibration(calibration, is_classifier)}
    if is_classifier:
        found["confusion"] = plots.confusion(rows.truth, predicted)
    else:
        found["residuals"] = plots.residuals(rows.truth, predicted)
    found["forest"] = plots.forest(slices, facts["skill"])
    scores = pd.read_csv(folder / "plots" / "selection.csv")
    found["folds"] = plots.folds(scores, facts["chosen"], facts["metric"])
    return found


def page(
    config: Config,
    facts: dict[str, Any],
    slices: pd.DataFrame,
    groups: pd.DataFrame,
    plots: dict[str, str],
) -> str:
    """Write the page.

    Args:
        config: Names the model and the thresholds that the page explains.
        facts: What reports/slices.json holds.
        slices: What `slice_table` returned.
        groups: What `group_gaps` returned.
        plots: SVG by name, in the order of the page; those of CAPTIONS that suit the task.

    Returns:
        HTML that needs no other file and no network.
    """
    is_clear = slices["status"] == "ok"
    clear = slices[is_clear].sort_values("skill", kind="stable").head(MAX_LISTED_SLICES)
    unclear = slices[~is_clear]
    # The other two have sections of their own.
    quality_plots = [name for name in plots if name not in ("forest", "folds")]
    return render(
        "report.html",
        title=f"Model report: {config.model.name}",
        facts=facts,
        plots=plots,
        captions=CAPTIONS,
        quality_plots=quality_plots,
        score=f"{facts['score']:.3f}",
        score_ends=f"{facts['low']:.3f} to {facts['high']:.3f}",
        baseline=f"{facts['baseline']:.3f}",
        skill=f"{facts['skill']:.0%}",
        skill_ends=f"{facts['skill_low']:.0%} to {facts['skill_high']:.0%}",
        weakest=_weakest_slice(clear),
        widest=_widest_gap(groups),
        n_slices=len(slices),
        n_unclear=len(unclear),
        min_rows=config.gates.slices.min_rows,
        clear=clear.to_dict("records"),
        unclear=unclear.head(MAX_LISTED_SLICES).to_dict("records"),
        # A regression has no rows that are simply wrong.
        has_errors="error" in slices,
        gaps=groups.to_dict("records"),
        meanings={name: MEANINGS[name].format(**facts) for name in groups["measure"].unique()},
        max_gap=config.gates.groups.max_gap,
    )


def _weakest_slice(clear: pd.DataFrame) -> dict[str, str] | None:
    """What the tile says; `clear` is sorted, the weakest first."""
    if clear.empty:
        return None
    weakest = clear.iloc[0]
    return {
        "name": f"{weakest['column']}={weakest['value']}",
        "skill": f"{weakest['skill']:.0%}",
        "rows": f"{weakest['rows']:,}",
    }


def _widest_gap(groups: pd.DataFrame) -> dict[str, str] | None:
    """What the tile says."""
    clear = groups[groups["status"] == "ok"]
    if clear.empty:
        return None
    widest = clear.nlargest(1, "gap").iloc[0]
    return {
        "measure": widest["measure"],
        "column": widest["column"],
        "gap": f"{widest['gap']:.2f}",
        "low": f"{widest['low']:.2f}",
    }
