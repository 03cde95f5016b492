"""Features are told from chance, and models from simpler ones."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.features import FEATURES
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation import importance
from churn_radar.mlops.evaluation.importance import compare_on_rows, feature_worth
from churn_radar.mlops.evaluation.scores import CachedClassifier, Rows
from churn_radar.mlops.modeling.inputs import Inputs

TASKS = ("classification", "regression")
Labelled = tuple[pd.DataFrame, pd.Series]
NAME = FEATURES[0].name


def test_rows_that_tell_no_model_from_another_are_refused() -> None:
    zeros, classes = np.zeros(9, int), np.array([0])
    baseline = CachedClassifier(zeros, np.ones((9, 1)), classes)
    rows = Rows("accuracy", zeros, baseline, np.arange(9), 1)
    with pytest.raises(ProjectError, match="accuracy leaves nothing to improve"):
        compare_on_rows(rows, baseline, {})


@pytest.fixture
def quick(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The settings, with fewer folds and probes."""
    monkeypatch.setattr(importance, "N_SHADOW_FEATURES", 10)
    return config.model_copy(update={"tuning": config.tuning.model_copy(update={"folds": 2})})


def test_noise_is_not_useful(quick: Config, labelled: Labelled) -> None:
    table, target = labelled
    rng = np.random.default_rng(quick.seed)

    def found() -> float:
        noise = table.apply(lambda column: column.array[rng.permutation(len(table))])
        worth = feature_worth(quick, "baseline", Inputs(noise, target, None))
        return float(np.mean([facts["useful"] for facts in worth.values()]))

    assert any(found() < 0.5 for _ in range(3))


def test_a_copy_of_the_target_stands_out(quick: Config, labelled: Labelled) -> None:
    table, target = labelled
    codes = target.astype("category").cat.codes if quick.task == "classification" else target
    leaking = table.assign(**{NAME: codes.astype(float)})
    groups = pd.Series(range(len(table)), index=table.index) % 50
    worth = feature_worth(quick, "baseline", Inputs(leaking, target, groups))[NAME]
    assert worth["useful"]
    assert worth["univariate"] > 0.5
