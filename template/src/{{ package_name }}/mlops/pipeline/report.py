"""What people read before they promote a model: slices, groups, plots and the model card."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from ..config import Config, tuned
from ..evaluation import plots
from ..evaluation.card import fingerprints, write_card
from ..evaluation.groups import group_gaps
from ..evaluation.page import page
from ..evaluation.scores import Classes, Remembered, Rows, remember, rows_of
from ..evaluation.slices import slice_table
from ..modeling.inputs import inputs
from ..modeling.storage import load_model


def report(config: Config, root: Path) -> str:
    """Write slices.csv, slices.json and report.html, and bring the model card up to date."""
    config = tuned(config, root)
    train, test = (pd.read_parquet(root / config.table("processed", s)) for s in ("train", "test"))
    folder = root / "reports"
    features, target = inputs(config, test)
    rows = rows_of(config, inputs(config, train)[1], target)
    model = remember(load_model(root / "models" / "model.skops"), features)
    slices = slice_table(config, test, rows, model)
    groups = group_gaps(config, test, rows.truth, model)
    facts = {
        **fingerprints(config, root),
        **_chosen(config, folder),
        "target": config.data.target,
        "positive": str(model.classes_[-1]) if isinstance(model, Classes) else None,
        "features": list(features),
        "learned": len(train),
        "rows": len(test),
        **_worth(config, folder, rows),
        "slices": json.loads(slices.to_json(orient="records")),
        "groups": json.loads(groups.to_json(orient="records")),
    }
    slices.to_csv(folder / "slices.csv", index=False, lineterminator="\n")
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / "slices.json").write_text(text, encoding="utf-8")
    html = page(config, facts, slices, groups, dict(_plots(facts, folder, slices, rows, model)))
    (folder / "report.html").write_text(html, encoding="utf-8")
    write_card(config, root)
    clear = slices[slices["status"] == "ok"]
    return f"{len(clear)} of {len(slices)} slices can be judged; reports/report.html shows them"


def _chosen(config: Config, folder: Path) -> dict[str, Any]:
    selection = json.loads((folder / "selection.json").read_text(encoding="utf-8"))
    chosen, means = selection["chosen"], selection["means"]
    settings = config.model.settings(chosen)
    return {"chosen": chosen, "settings": settings, "candidates": list(means)}


def _worth(config: Config, folder: Path, rows: Rows) -> dict[str, Any]:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metric = config.selection.metric
    score, low, high = (metrics[f"{metric}{end}"] for end in ("", "_low", "_high"))
    ends = {"skill": score, "skill_low": low, "skill_high": high}
    skills = {name: round(rows.skill(value), 6) for name, value in ends.items()}
    trivial = round(rows.zero, 6)
    return {"metric": metric, "score": score, "low": low, "high": high, "trivial": trivial} | skills


def _plots(
    facts: dict[str, Any], folder: Path, slices: pd.DataFrame, rows: Rows, model: Remembered
) -> Iterator[tuple[str, str]]:
    predicted, likely = model.predict(rows.numbers), isinstance(model, Classes)
    calibration = pd.read_csv(folder / "plots" / "calibration.csv")
    yield "calibration", plots.calibration(calibration, likely)
    if likely:
        yield "confusion", plots.confusion(rows.truth, predicted)
    else:
        yield "residuals", plots.residuals(rows.truth, predicted)
    yield "forest", plots.forest(slices, facts["skill"])
    scores = pd.read_csv(folder / "plots" / "selection.csv")
    yield "folds", plots.folds(scores, facts["chosen"], facts["metric"])
