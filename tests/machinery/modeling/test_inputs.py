"""Features and target of rows, and a sample of the training set."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import Feature
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.inputs import feature_table, training_sample


def test_a_feature_without_its_column_is_refused() -> None:
    feature = Feature("age", "numeric", "team", "source", "reason")
    with pytest.raises(ProjectError, match="'age'"):
        feature_table([feature], pd.DataFrame({"years": [30]}))


def test_a_sample_has_its_groups_beside_it(config: Config, finished: Path, tmp_path: Path) -> None:
    train = config.table("processed", "train")
    (tmp_path / train).parent.mkdir(parents=True)
    shutil.copy(finished / train, tmp_path / train)
    rows = pd.read_parquet(tmp_path / train)
    whole = training_sample(config, tmp_path, len(rows) + 1)
    assert len(whole.features) == len(whole.target) == len(rows)
    assert whole.groups is None
    data = config.data.model_copy(update={"group": "region"})
    sample = training_sample(config.model_copy(update={"data": data}), tmp_path, 50)
    assert sample.groups is not None
    assert sample.groups.equals(rows["region"].loc[sample.features.index])
    assert len(sample.features) == 50
