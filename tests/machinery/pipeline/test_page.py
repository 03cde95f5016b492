"""The report's page: hostile names are text, and what is not declared is said."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation import class_names, interval, plots
from churn_radar.mlops.evaluation.groups import group_gaps
from churn_radar.mlops.evaluation.page import page
from churn_radar.mlops.evaluation.scores import CachedModel, rows_of
from churn_radar.mlops.evaluation.slices import slice_table
from machinery.evaluation.known import ROWS, SCRIPT, declared, predictions

SCORES = ("score", "low", "high", "skill", "skill_low", "skill_high", "baseline")
DETAILS: dict[str, Any] = {
    "period": None,
    "periods": [],
    "importance": [{"feature": SCRIPT, "importance": 0.3, "low": 0.3, "high": 0.3}],
    "dependence": [{"feature": SCRIPT, "values": ["a", "b"], "means": [[0.1, 0.2]]}],
    "classes": [],
    "class_shares": {SCRIPT: 1.0},
}


def facts_of(
    settings: Config, test: pd.DataFrame, truth: pd.Series, model: CachedModel, name: str
) -> dict[str, Any]:
    table = slice_table(settings, test, rows_of(settings, truth, truth), model)
    groups = group_gaps(settings, test, truth.to_numpy(), model)
    facts = dict.fromkeys(SCORES, 0.5) | {"target": name, "metric": settings.selection.metric}
    facts |= {"rows": ROWS, "train_rows": ROWS, "chosen": name, "candidates": [name]}
    facts |= {"model": "0" * 64, "features": [name], "slices": table.to_dict("records")}
    return facts | {"groups": groups.to_dict("records")}


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
def test_the_page_shows_hostile_names_as_text(metric: str, config: Config) -> None:
    task = "regression" if metric == "r2" else "classification"
    settings = declared(config, task, metric, slices=["place"], sensitive=["place", "kind"])
    test, truth, model = predictions(settings, 20)
    facts = facts_of(settings, test, truth, model, SCRIPT)
    predicted = model.predict(np.arange(ROWS))
    fits = pd.DataFrame({"fold": [0, 1], "candidate": SCRIPT, "score": [0.1, 0.2]})
    names = truth.map(lambda value: f"{SCRIPT}{value}").to_numpy()
    table = pd.DataFrame(facts["slices"])
    pictures = {
        "residuals": plots.residuals(truth.to_numpy(), predicted),
        "confusion": plots.confusion(names, names, sorted(set(names))),
        "slices": plots.slices(pd.concat([table] * 20, ignore_index=True), 0.5),
        "selection": plots.selection(fits, SCRIPT, metric),
    }
    text = page(settings, facts, DETAILS, {metric: 0.5}, pictures)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "few (5 rows)" in text
    assert "inconclusive: too few rows" in text
    assert text.count('role="img"') == text.count("<desc") == len(pictures)
    assert "src=" not in text
    assert 'href="http' not in text


def test_the_page_says_what_is_not_declared(config: Config) -> None:
    settings = declared(config, "regression", "r2")
    test, truth, model = predictions(settings)
    facts = facts_of(settings, test, truth, model, "x")
    text = page(settings, facts, DETAILS, {}, {"selection": ""})
    assert "No slices are declared" in text
    assert "No sensitive columns are declared" in text
    assert "How it does over time" not in text


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ([0, 1], ["not churned", "churned"]),
        ([False, True], ["not churned", "churned"]),
        (["no", "yes"], ["no", "yes"]),
        ([1, 2, 3], ["1", "2", "3"]),
    ],
)
def test_classes_have_names_for_people(classes: list[object], names: list[str]) -> None:
    assert class_names("churned", classes) == names


def test_what_is_no_interval_is_not_written_as_one() -> None:
    assert interval(1.0, 1.0, 1.0, ".0%") == "100% (no interval: too few errors)"
    assert interval(0.827, 0.801, 0.853) == "0.827 [0.801, 0.853]"
