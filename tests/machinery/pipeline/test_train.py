"""Stage `train`: the tuned settings are used, and the model has a manifest beside it."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import Feature, team
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.pipeline import train as module
from churn_radar.mlops.pipeline.train import train


@pytest.mark.parametrize(
    ("column", "said"), [("monthly_charge", "depends on other rows"), ("churned", "no column of")]
)
def test_a_feature_of_more_than_its_request_is_not_trained(
    column: str, said: str, config: Config, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rank(rows: pd.DataFrame) -> pd.Series:
        return rows[column].rank()

    feature = Feature("rank", "numeric", "team", "source", "reason", rank)
    monkeypatch.setattr(team, "features", lambda: (feature,))
    with pytest.raises(ProjectError, match=said):
        train(config, finished)


def test_training_takes_the_tuned_settings_and_leaves_a_manifest(
    config: Config, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = config.table("processed", "train")
    (tmp_path / table).parent.mkdir(parents=True)
    shutil.copy(finished / table, tmp_path / table)
    selection = config.selection.model_copy(update={"metric": "neg_log_loss"})
    better = config.model_copy(update={"selection": selection})
    monkeypatch.setattr(module, "with_tuned_settings", lambda config, root: better)
    assert "chosen by neg_log_loss: baseline " in train(config, tmp_path)
    facts = manifest.read(tmp_path / "models")
    assert facts["sha256"] == file_hash(tmp_path / "models" / "model.skops")
    assert facts["target"] == config.data.target
    assert manifest.load(tmp_path / "models").classes_.tolist() == facts["classes"]
