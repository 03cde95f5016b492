"""Evidence for the gates that judge features, and for those that judge scores."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from churn_radar.features import FEATURES
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.scores import rows_of
from churn_radar.mlops.gates import Reasons
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.tracking import Version
from machinery.gates.known import TRUTH, scored


@pytest.fixture
def sound(config: Config, finished: Path) -> SimpleNamespace:
    """Of the finished project; each feature is said to be useful, and none to leak."""
    paths = [finished / config.table("processed", step) for step in ("train", "test")]
    train, test = (pd.read_parquet(path) for path in paths)
    chance = {"univariate": 0.1, "importance": 0.01}
    facts = {"univariate": 0.5, "importance": 0.1, "useful": True, "shadow": chance}
    found = {"features": {feature.name: dict(facts) for feature in FEATURES}}
    return SimpleNamespace(
        config=config,
        train=train,
        test=test,
        manifest=manifest.read(finished / "models"),
        challenge=found,
        champion_if_scored=None,
        recorded={},
    )


@pytest.fixture
def known(config: Config) -> SimpleNamespace:
    """Of a good regressor: the noise in its predictions is a tenth of the target's."""
    selection = config.selection.model_copy(update={"metric": "r2"})
    regression = config.model_copy(update={"task": "regression", "selection": selection})
    truth = pd.Series(TRUTH)
    return SimpleNamespace(
        config=regression,
        rows=rows_of(regression, truth, truth),
        manifest={"sha256": "candidate's"},
        candidate_version=Version(4, {"sha256": "candidate's"}, "run", "source"),
        behind_best=0.0,
        reasons=Reasons(),
        champion_version=Version(3, {"sha256": "champion's"}, "run", "source"),
        missing_champion="",
        recorded={},
        cached_champion=scored(0.1, 5),
        cached_candidate=scored(0.1),
        measured={"r2": 0.9, "r2_low": 0.88, "r2_high": 0.92},
    )
