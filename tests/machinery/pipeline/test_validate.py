"""Stage `validate`: the settings name columns of the table, and a broken table goes no further."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline import stage, validate
from churn_radar.mlops.team import Feature


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
    def with_gaps(_: object, table: pd.DataFrame, where: object) -> pd.DataFrame:
        return table.assign(household=[float("nan"), *range(1, len(table))])

    monkeypatch.setattr(validate, "checked", with_gaps)
    with pytest.raises(ProjectError, match=r"^data\.group: 1 row\(s\) with gaps in household"):
        stage("validate")(reading(config, group="household"), finished)


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (lambda rows: 1 / (rows["support_calls"] - rows["support_calls"]), "calls is infinite in"),
        (lambda rows: rows["support_calls"] / 0.0 * 0.0, "calls is no number in"),
        (lambda rows: 1 // 0, "features.py: a feature raises ZeroDivisionError"),
    ],
)
def test_a_feature_that_divides_by_zero_is_named_with_its_row(
    compute: Callable[[pd.DataFrame], pd.Series],
    said: str,
    config: Config,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feature = Feature("support_calls", "numeric", "a team", "calls", "It helps.", compute)
    monkeypatch.setattr(team, "features", lambda: [feature])
    with pytest.raises(ProjectError) as refused:
        stage("validate")(config, finished)
    assert said in str(refused.value)
    if "raises" not in said:
        assert f"row(s), the first is row 2 of {config.data.raw.name}" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("calls", "calls: not declared in the schema: FeatureTable in schemas.py has no line for"),
        ("payment_risk", "payment_risk: breaks the rule less_than_or_equal_to(1)"),
    ],
)
def test_a_feature_that_breaks_its_schema_is_refused_before_anything_is_trained(
    name: str, said: str, config: Config, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = [feature for feature in team.features() if feature.name != name]
    wrong = Feature(name, "numeric", "a team", "calls", "It helps.", lambda rows: rows.index + 2.0)
    monkeypatch.setattr(team, "features", lambda: [*features, wrong])
    with pytest.raises(ProjectError) as refused:
        stage("validate")(config, finished)
    assert said in str(refused.value)


def test_infinity_in_the_data_is_refused_with_its_row(
    config: Config, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.read_parquet(finished / config.table("interim", "ingest"))
    table.loc[5, "data_gb"] = float("inf")
    monkeypatch.setattr(validate.pd, "read_parquet", lambda _: table)
    with pytest.raises(ProjectError, match=r"data_gb: .*in 1 row\(s\): row 7 of .* has inf"):
        stage("validate")(config, finished)
