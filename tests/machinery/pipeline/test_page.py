"""The report's page: hostile names are text, and what is not declared is said."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation import plots
from churn_radar.mlops.evaluation.groups import group_gaps
from churn_radar.mlops.evaluation.scores import rows_of
from churn_radar.mlops.evaluation.slices import slice_table
from churn_radar.mlops.pipeline.report import page
from machinery.evaluation.known import ROWS, SCRIPT, declared, predictions


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
def test_the_page_shows_hostile_names_as_text(metric: str, config: Config) -> None:
    task = "regression" if metric == "r2" else "classification"
    settings = declared(config, task, metric, slices=["place"], sensitive=["place", "kind"])
    test, truth, model = predictions(settings, 20)
    table = slice_table(settings, test, rows_of(settings, truth, truth), model)
    groups = group_gaps(settings, test, truth.to_numpy(), model)
    facts = {"target": SCRIPT, "metric": metric, "rows": ROWS, "chosen": SCRIPT, "positive": None}
    facts |= {"candidates": [SCRIPT]}
    facts |= dict.fromkeys(("score", "low", "high", "skill", "skill_low", "skill_high"), 0.5)
    predicted = model.predict(np.arange(ROWS))
    fits = pd.DataFrame({"fold": [0, 1], "candidate": SCRIPT, "score": [0.1, 0.2]})
    names = truth.map(lambda value: f"{SCRIPT}{value}").to_numpy()
    pictures = {
        "residuals": plots.residuals(truth.to_numpy(), predicted),
        "confusion": plots.confusion(names, names),
        "forest": plots.forest(pd.concat([table] * 20, ignore_index=True), 0.5),
        "folds": plots.folds(fits, SCRIPT, metric),
    }
    text = page(settings, facts | {"baseline": 0.1}, table, groups, pictures)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "few (5 rows)" in text
    assert "inconclusive: too few rows" in text
    assert text.count('role="img"') == text.count("aria-label=") == len(pictures)
    assert "src=" not in text
    assert 'href="http' not in text


def test_the_page_says_what_is_not_declared(config: Config) -> None:
    settings = declared(config, "regression", "r2")
    test, truth, model = predictions(settings)
    table = slice_table(settings, test, rows_of(settings, truth, truth), model)
    groups = group_gaps(settings, test, truth.to_numpy(), model)
    facts = {"target": "x", "metric": "r2", "rows": ROWS, "chosen": "x", "candidates": ["x"]}
    facts |= dict.fromkeys(("score", "low", "high", "skill", "skill_low", "skill_high"), 0.5)
    text = page(settings, facts | {"baseline": 0.1}, table, groups, {"forest": "", "folds": ""})
    assert "No slices are declared" in text
    assert "No sensitive columns are declared" in text
