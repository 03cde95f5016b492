"""Evidence for the gates that judge features."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from churn_radar.features import FEATURES
from churn_radar.mlops.config import Config
from churn_radar.mlops.modeling.storage import load_model


@pytest.fixture
def sound(config: Config, finished: Path) -> SimpleNamespace:
    """Of the finished project; each feature is said to be useful, and none to leak."""
    paths = [finished / config.table("processed", step) for step in ("train", "test")]
    train, test = (pd.read_parquet(path) for path in paths)
    facts = {"alone": 0.5, "importance": 0.1, "useful": True}
    facts["probe"] = {"alone": 0.1, "importance": 0.01}
    model = load_model(finished / "models" / "model.skops")
    found = {"features": {feature.name: dict(facts) for feature in FEATURES}}
    return SimpleNamespace(config=config, train=train, test=test, model=model, challenge=found)
