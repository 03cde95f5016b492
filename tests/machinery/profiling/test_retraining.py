"""Training twice more reads its own rows alone, and its predictions are compared."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import CachedClassifier, CachedRegressor
from churn_radar.mlops.gates import Verdict, budget, reproducible
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.inputs import inputs
from churn_radar.mlops.modeling.storage import save_model
from churn_radar.mlops.profiling import retraining
from churn_radar.model import candidates
from machinery.profiling.known import judged


def test_training_that_reads_held_out_rows_is_refused(
    config: Config, profiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    code = shutil.copytree(retraining.CODE, tmp_path / retraining.CODE.name, ignore=ignored)
    with (code / "mlops" / "pipeline" / "train.py").open("a") as file:
        file.write(
            "\n\ndef train(config: Config, root: Path) -> str:\n"
            '    return str(pd.read_parquet(root / config.table("processed", "test")))\n'
        )
    monkeypatch.setattr(retraining, "HASH_SEEDS", (1,))
    with pytest.raises(ProjectError, match=config.table("processed", "test").name) as refused:
        retraining.retrain_twice(config, profiled, code)
    assert "Traceback" not in str(refused.value)
    for gate in (reproducible, budget):
        verdict = judged(gate, config, failure=str(refused.value))
        assert verdict == Verdict("refused", str(refused.value))


def test_a_model_of_other_rows_is_refused(config: Config, profiled: Path, tmp_path: Path) -> None:
    other = shutil.copytree(profiled, tmp_path / "other")
    steps = [other / config.table("processed", step) for step in ("train", "test")]
    table = pd.concat([pd.read_parquet(step) for step in steps], ignore_index=True)
    chosen = json.loads((other / "reports" / "selection.json").read_text())["chosen"]
    save_model(candidates(config)[chosen].fit(*inputs(config, table)), other / retraining.MODEL)
    manifest.write(config, other)
    found = retraining.compare(config, other, [profiled / retraining.MODEL] * 2)
    verdict = judged(reproducible, config, **found)
    assert verdict.status == "refused"
    assert verdict.value == found["difference"] > reproducible.TOLERANCE
    assert "models/model.skops" in verdict.reason


def test_predictions_are_compared_by_what_they_mean() -> None:
    probabilities = np.array([[0.2, 0.8], [0.5, 0.5]])
    one = CachedClassifier(np.zeros(2), probabilities, np.array([0, 1]))
    other = CachedClassifier(np.zeros(2), probabilities / 2, np.array([0, 1]))
    assert retraining.difference(one, other, 1.0) == 0.4
    stranger = CachedClassifier(np.zeros(2), probabilities, np.array([0, 2]))
    assert retraining.difference(one, stranger, 1.0) == 1.0
    numbers = [CachedRegressor(np.array(values)) for values in ([1.0, 2.0], [1.0, 6.0])]
    assert retraining.difference(*numbers, 2.0) == 2.0
    assert retraining.difference(numbers[0], one, 2.0) == 1.0
