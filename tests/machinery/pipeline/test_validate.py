"""Stage `validate`: the settings name columns of the table, and a broken table goes no further."""

from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline import stage, validate


def reading(config: Config, **data: object) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def test_a_target_that_is_no_column_is_refused(config: Config, finished: Path) -> None:
    with pytest.raises(ProjectError, match=r"data\.target: chruned"):
        stage("validate")(reading(config, target="chruned"), finished)


def test_a_time_that_is_no_column_is_refused(config: Config, finished: Path) -> None:
    with pytest.raises(ProjectError, match=r"data\.time: weeks"):
        stage("validate")(reading(config, time="weeks"), finished)


def test_a_row_without_group_is_refused(
    config: Config, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_gaps(_: object, table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(household=[float("nan"), *range(1, len(table))])

    monkeypatch.setattr(validate, "checked", with_gaps)
    with pytest.raises(ProjectError, match=r"^data\.group: 1 row\(s\) with gaps in household"):
        stage("validate")(reading(config, group="household"), finished)
