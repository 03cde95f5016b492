"""Features and target of rows, and a sample of the training set."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import Feature
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.inputs import (
    feature_table,
    require_row_wise,
    training_sample,
)

Compute = Callable[[pd.DataFrame], pd.Series]


def planted(compute: Compute) -> Feature:
    return Feature("planted", "numeric", "team", "source", "reason", compute)


def test_a_feature_without_its_column_is_refused() -> None:
    feature = Feature("age", "numeric", "team", "source", "reason")
    with pytest.raises(ProjectError, match="'age'"):
        feature_table([feature], pd.DataFrame({"years": [30]}))


def test_a_feature_does_not_see_the_outcome(raw: pd.DataFrame) -> None:
    assert "spend_next_month" in raw
    spend = planted(lambda rows: rows["spend_next_month"])
    with pytest.raises(ProjectError, match=r"planted reads 'spend_next_month', no column of Req"):
        feature_table([spend], raw)


def test_a_column_of_a_family_is_seen(raw: pd.DataFrame) -> None:
    risk = planted(lambda rows: rows["payment_risk"])
    assert feature_table([risk], raw)["planted"].equals(raw["payment_risk"].rename("planted"))


LEARNED: dict[str, Compute] = {
    "a mean": lambda rows: rows["monthly_charge"] - rows["monthly_charge"].mean(),
    "a mean of its group": lambda rows: rows.groupby("region")["data_gb"].transform("mean"),
    "a rank": lambda rows: rows["monthly_charge"].rank(),
    "a count": lambda rows: rows["region"].map(rows["region"].value_counts()),
    "the row before": lambda rows: rows["monthly_charge"].shift(fill_value=0),
    "the number of rows": lambda rows: rows["monthly_charge"] + len(rows),
    "the position": lambda rows: pd.Series(range(len(rows)), rows.index),
    "the index": lambda rows: rows.index.to_series(),
}


@pytest.mark.parametrize("learned", LEARNED)
def test_a_feature_that_reads_other_rows_is_refused(learned: str, raw: pd.DataFrame) -> None:
    feature = planted(LEARNED[learned])
    # The fault is most dangerous, and hardest to see, where the table is sorted.
    rows = raw.sort_values("region").reset_index(drop=True)
    with pytest.raises(ProjectError, match="planted of a row depends on other rows"):
        require_row_wise([feature], rows, seed=0)


ROW_WISE: dict[str, Compute] = {
    "a whole number": lambda rows: rows["support_calls"],
    "a number with gaps": lambda rows: rows["data_gb"] / rows["monthly_charge"],
    "a flag with gaps": lambda rows: (
        rows["support_calls"].gt(2).astype("boolean").mask(rows["data_gb"].isna())
    ),
    "a difference of dates": lambda rows: (rows["event_month"] - rows["last_complaint"]).dt.days,
}


@pytest.mark.parametrize("row_wise", ROW_WISE)
def test_a_feature_of_one_row_passes(row_wise: str, raw: pd.DataFrame) -> None:
    require_row_wise([planted(ROW_WISE[row_wise])], raw, seed=0)


def test_a_category_of_one_row_passes(raw: pd.DataFrame) -> None:
    region = Feature("region", "categorical", "team", "source", "reason")
    require_row_wise([region], raw, seed=0)
    counted = region.__class__(
        "top",
        *("categorical", "team", "source", "reason"),
        lambda rows: rows["region"].where(rows["region"] != rows["region"].mode()[0], "top"),
    )
    with pytest.raises(ProjectError, match="top of a row depends on other rows"):
        require_row_wise([counted], raw.sort_values("region"), seed=0)


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
