"""Stage `train`: the tuned settings are used, and the model has a manifest beside it."""

import shutil
from pathlib import Path

import pytest
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.pipeline import train as module
from churn_radar.mlops.pipeline.train import train


def test_training_takes_the_tuned_settings_and_leaves_a_manifest(
    config: Config, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = config.table("processed", "train")
    (tmp_path / table).parent.mkdir(parents=True)
    shutil.copy(finished / table, tmp_path / table)
    selection = config.selection.model_copy(update={"metric": "neg_log_loss"})
    better = config.model_copy(update={"selection": selection})
    monkeypatch.setattr(module, "tuned", lambda config, root: better)
    assert "chosen by neg_log_loss: baseline " in train(config, tmp_path)
    facts = manifest.read(tmp_path / "models")
    assert facts["sha256"] == file_hash(tmp_path / "models" / "model.skops")
    assert facts["target"] == config.data.target
    assert manifest.load(tmp_path / "models").classes_.tolist() == facts["classes"]
