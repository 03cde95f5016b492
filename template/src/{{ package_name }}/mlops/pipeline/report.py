"""Stage `report`: what people read before they promote a model: slices, groups, plots, the card."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from ..config import Config
from ..evaluation import class_names, curves, drivers, plots
from ..evaluation.card import fingerprints, write_card
from ..evaluation.groups import group_gaps
from ..evaluation.page import page
from ..evaluation.scores import (
    CachedClassifier,
    CachedModel,
    CachedRegressor,
    Rows,
    cache_predictions,
    rows_of,
)
from ..evaluation.slices import period_table, slice_table
from ..modeling import with_tuned_settings
from ..modeling.inputs import inputs
from ..modeling.storage import load_model

FORMULA = r"^(?=[=+\-@\t\r])(?![+-]?[\d.]+$)"
"""The place before a value that a spreadsheet takes for a formula; a number is none."""

MAX_LISTED_CLASSES = 12
"""Of those whose share of the rows is shown, the commonest."""


def report(config: Config, root: Path) -> str:
    """Write slices.csv, slices.json, report.json and report.html, and bring the card up to date.

    No file holds a time or a commit, since DVC compares them: `make report` adds both.

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
    fitted = load_model(root / "models" / "model.skops")
    model = cache_predictions(fitted, features)
    slices = slice_table(config, test, rows, model)
    groups = group_gaps(config, test, rows.truth, model)

    facts = _facts(config, root, train, features, rows, model)
    facts["slices"] = _records(slices)
    facts["groups"] = _records(groups)

    worth = _read(folder / "challenge.json")["features"]
    important = drivers.importances(config, fitted, features, (train_target, target), worth)
    names = [line["feature"] for line in important[: drivers.TOP]]
    periods = period_table(config, test, rows, model)
    details: dict[str, Any] = {
        "period": _period(config, train, test),
        "periods": _records(periods),
        "importance": important,
        "dependence": drivers.dependence(config, fitted, features, names),
    }
    details |= _in_use(config, rows, model)

    _write_slices(folder, slices)
    _write(folder / "slices.json", facts)
    _write(folder / "report.json", details)
    drawn = _plots(config, facts, details, folder, rows, model)
    if int((slices["status"] == "ok").sum()):
        drawn["slices"] = plots.slices(slices, facts["skill"])
    if int((periods["status"] == "ok").sum()) > 1:
        drawn["periods"] = curves.periods(periods, facts["score"], facts["metric"])
    html = page(config, facts, details, _read(folder / "metrics.json"), drawn)
    (folder / "report.html").write_text(html, encoding="utf-8")
    # It reads what was just written, so it comes last.
    write_card(config, root)
    n_clear = int((slices["status"] == "ok").sum())
    return f"{n_clear} of {len(slices)} slices can be judged; reports/report.html shows them"


def _write_slices(folder: Path, slices: pd.DataFrame) -> None:
    # A spreadsheet would compute what looks like a formula; OWASP's advice is an apostrophe.
    values = slices["value"].astype(str).str.replace(FORMULA, "'", regex=True)
    slices.assign(value=values).to_csv(folder / "slices.csv", index=False, lineterminator="\n")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    # By way of pandas, which writes NaN as null: JSON has no other word for it.
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return found


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(path: Path, facts: dict[str, Any]) -> None:
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def _facts(
    config: Config,
    root: Path,
    train: pd.DataFrame,
    features: pd.DataFrame,
    rows: Rows,
    model: CachedModel,
) -> dict[str, Any]:
    """What slices.json says of the model as a whole."""
    folder = root / "reports"
    facts: dict[str, Any] = fingerprints(config, root)
    facts |= _chosen(config, folder)
    facts |= {
        "target": config.data.target,
        "positive": str(model.classes_[-1]) if not isinstance(model, CachedRegressor) else None,
        "features": list(features),
        "train_rows": len(train),
        "rows": len(features),
    }
    return facts | _overall(config, folder, rows)


def _chosen(config: Config, folder: Path) -> dict[str, Any]:
    selection = _read(folder / "selection.json")
    chosen = selection["chosen"]
    settings = config.model.settings(chosen)
    return {"chosen": chosen, "settings": settings, "candidates": list(selection["means"])}


def _overall(config: Config, folder: Path, rows: Rows) -> dict[str, Any]:
    """The score on the whole test set with its interval, as a metric and as a skill score."""
    # As stage `evaluate` measured them, so that no number differs between two reports.
    metrics = _read(folder / "metrics.json")
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


def _period(config: Config, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, list[str]] | None:
    """The first and the last day of both tables; None where the data has no dates."""
    column = config.data.time
    if not column or not is_datetime64_any_dtype(test[column]):
        return None
    found = {}
    for name, table in (("train", train), ("test", test)):
        found[name] = [f"{end:%Y-%m-%d}" for end in (table[column].min(), table[column].max())]
    return found


def _in_use(config: Config, rows: Rows, model: CachedModel) -> dict[str, Any]:
    """What the predictions come to in use; which of it there is depends on the task."""
    if isinstance(model, CachedRegressor):
        intervals = curves.prediction_intervals(rows.truth, model.predictions)
        return {"classes": [], "class_shares": {}, "intervals": intervals}
    classes = model.classes_.tolist()
    names = dict(zip(classes, class_names(config.data.target, classes), strict=True))
    shares = pd.Series(rows.truth).value_counts(normalize=True).head(MAX_LISTED_CLASSES)
    found: dict[str, Any] = {
        "classes": classes,
        "class_shares": {names.get(k, str(k)): round(share, 6) for k, share in shares.items()},
    }
    if isinstance(model, CachedClassifier) and len(classes) == 2:
        is_positive = rows.truth == model.classes_[1]
        probability = model.probabilities[:, 1]
        found["top_rows"] = curves.top_rows(is_positive, probability)
        found["decision"] = curves.decision(is_positive, probability, config.costs)
    return found


def _plots(
    config: Config,
    facts: dict[str, Any],
    details: dict[str, Any],
    folder: Path,
    rows: Rows,
    model: CachedModel,
) -> dict[str, str]:
    """The SVG of each plot by its name, in the order of the page."""
    predicted = model.predict(rows.numbers)
    # What stages `evaluate` and `train` measured is read, not computed again.
    calibration = pd.read_csv(folder / "plots" / "calibration.csv")
    is_classifier = not isinstance(model, CachedRegressor)
    found = {"calibration": plots.calibration(calibration, is_classifier)}
    outputs = [facts["target"]]
    if is_classifier:
        names = dict(
            zip(details["classes"], class_names(facts["target"], details["classes"]), strict=True)
        )
        # With two classes a model's dependence is that of the positive one alone.
        outputs = list(names.values())[1:] if len(names) == 2 else list(names.values())
        labels = np.array([names.get(value, value) for value in rows.truth.tolist()])
        named = np.array([names[value] for value in predicted.tolist()])
        found["confusion"] = plots.confusion(labels, named, list(names.values()))
    else:
        found["residuals"] = plots.residuals(rows.truth, predicted)
    if "decision" in details:
        found |= _plots_of_positives(config, details, rows, model)
    if details["importance"]:
        found["importance"] = drivers.draw_importances(details["importance"])
    for number, line in enumerate(details["dependence"], 1):
        found[f"dependence-{number}"] = drivers.draw_dependence(number, line, outputs)
    scores = pd.read_csv(folder / "plots" / "selection.csv")
    found["selection"] = plots.selection(scores, facts["chosen"], facts["metric"])
    return found


def _plots_of_positives(
    config: Config, details: dict[str, Any], rows: Rows, model: CachedModel
) -> dict[str, str]:
    """What there is where one class is the one to act on."""
    is_positive = rows.truth == model.classes_[1]
    probability = model.probabilities[:, 1]
    counts = details["decision"]
    n_named = counts["true_positives"] + counts["false_positives"]
    n_positive = counts["true_positives"] + counts["false_negatives"]
    point = None
    if n_named and n_positive:
        point = counts["true_positives"] / n_positive, counts["true_positives"] / n_named
    found = {}
    if n_positive:
        found["precision-recall"] = curves.precision_recall(is_positive, probability, point)
        found["gain"] = curves.gain(is_positive, probability)
    found["costs"] = curves.costs(is_positive, probability, config.costs)
    return found
