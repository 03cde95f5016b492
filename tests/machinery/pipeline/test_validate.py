"""Stage `validate`: the settings name columns of the table, and a broken table goes no further."""

from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline import stage


def reading(config: Config, **data: object) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def test_a_target_that_is_no_column_is_refused(config: Config, finished: Path) -> None:
    with pytest.raises(ProjectError, match=r"data\.target: chruned"):
        stage("validate")(reading(config, target="chruned"), finished)


def test_a_time_that_is_no_column_is_refused(config: Config, finished: Path) -> None:
    with pytest.raises(ProjectError, match=r"data\.time: weeks"):
        stage("validate")(reading(config, time="weeks"), finished)
