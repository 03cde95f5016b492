"""Gate `simpler`: a model that a simpler one beats is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.importance import compare_on_rows
from churn_radar.mlops.evaluation.scores import Rows, cache_predictions, rows_of
from churn_radar.mlops.gates import worth
from churn_radar.mlops.modeling import metrics
from churn_radar.mlops.modeling.inputs import inputs
from churn_radar.mlops.modeling.storage import load_model

TASKS = ("classification", "regression")


@pytest.fixture
def scored(config: Config, finished: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Rows, Any]:
    """The held-out rows, to be resampled a few times, and the model's predictions for them."""
    monkeypatch.setattr(metrics, "N_RESAMPLES", 20)
    tables = [finished / config.table("processed", step) for step in ("train", "test")]
    (_, learned), (held, truth) = (inputs(config, pd.read_parquet(path)) for path in tables)
    model = load_model(finished / "models" / "model.skops")
    return rows_of(config, learned, truth), cache_predictions(model, held)


def test_a_model_that_is_no_better_than_the_baseline_is_refused(scored: tuple[Rows, Any]) -> None:
    rows, _ = scored
    against = compare_on_rows(rows, rows.baseline, {"baseline": rows.baseline})
    verdict = worth.simpler(SimpleNamespace(challenge={"simpler": against}))
    assert (verdict.status, verdict.value, verdict.threshold) == ("refused", 0, 0)
    assert "baseline" in verdict.reason


@pytest.mark.parametrize(
    ("name", "extra", "said"),
    [
        ("linear", {}, "the linear model has"),
        ("one feature", {"feature": "age"}, "one feature, age, has"),
    ],
)
def test_a_model_that_a_simpler_one_beats_is_refused(
    name: str, extra: dict[str, str], said: str, scored: tuple[Rows, Any]
) -> None:
    rows, model = scored
    against = compare_on_rows(rows, model, {"baseline": rows.baseline})
    assert worth.simpler(SimpleNamespace(challenge={"simpler": against})).status == "passed"
    against |= {name: extra | compare_on_rows(rows, rows.baseline, {name: model})[name]}
    verdict = worth.simpler(SimpleNamespace(challenge={"simpler": against}))
    assert verdict.status == "refused"
    assert said in verdict.reason
