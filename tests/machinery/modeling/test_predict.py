"""The entry point by which later commits ask the model of an earlier one."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling import predict
from churn_radar.mlops.modeling.inputs import inputs
from churn_radar.mlops.modeling.storage import load_model

TASKS = ("classification", "regression")


def test_it_writes_what_the_model_predicts(config: Config, finished: Path, tmp_path: Path) -> None:
    table, out = finished / config.table("processed", "test"), tmp_path / "out.npz"
    predict.predict(finished / "models", table, out)
    features, _ = inputs(config, pd.read_parquet(table))
    model = load_model(finished / "models" / "model.skops")
    with np.load(out) as found:
        np.testing.assert_array_equal(found["predictions"], model.predict(features))
        if config.task == "regression":
            assert [*found] == ["predictions"]
        else:
            np.testing.assert_array_equal(found["probabilities"], model.predict_proba(features))
            np.testing.assert_array_equal(found["classes"], model.classes_)


def test_it_writes_decisions_and_words(
    config: Config, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, out = finished / config.table("processed", "test"), tmp_path / "out.npz"
    model = SimpleNamespace(
        classes_=np.array(["no", "yes"], dtype=object),
        predict=lambda rows: np.resize(np.array(["no", "yes"], dtype=object), len(rows)),
        decision_function=lambda rows: np.arange(len(rows)),
    )
    monkeypatch.setattr(predict.manifest, "load", lambda _: model)
    predict.predict(finished / "models", table, out)
    with np.load(out) as found:
        assert set(found) == {"predictions", "classes", "decisions"}
        assert found["classes"].tolist() == ["no", "yes"]
        assert found["predictions"][:3].tolist() == ["no", "yes", "no"]
        assert found["decisions"][:3].tolist() == [0, 1, 2]


def test_a_model_of_other_code_is_refused_in_a_sentence(
    config: Config, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(finished / "models", tmp_path / "models"))
    table, out = finished / config.table("processed", "test"), tmp_path / "out.npz"
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    monkeypatch.setattr(sys, "argv", ["predict", str(folder), str(table), str(out)])
    with pytest.raises(SystemExit, match="holds other code than it was made with"):
        predict.main()
    with pytest.raises(ProjectError, match="other code"):
        predict.predict(folder, table, out)
    assert not out.exists()
