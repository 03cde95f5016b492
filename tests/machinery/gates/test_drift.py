"""Planted changes of the data that the gate `drift` exists for, and samples that it lets pass."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.bounds import Drift
from churn_radar.mlops.config import Config
from churn_radar.mlops.data import compare, drifted, summarize
from churn_radar.mlops.data.validation import PERSONAL
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import drift
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.tracking import Version

TIME = "event_month"
Plant = Callable[[pd.DataFrame, pd.Series], None]


def set_tables(evidence: Evidence, table: pd.DataFrame) -> None:
    """Replace both tables by a changed one: its first half is the training set."""
    n_train = len(table) // 2
    evidence.__dict__["train"] = table.iloc[:n_train].reset_index(drop=True)
    evidence.__dict__["test"] = table.iloc[n_train:].reset_index(drop=True)


def whole(evidence: Evidence) -> pd.DataFrame:
    table: pd.DataFrame = pd.concat([evidence.train, evidence.test], ignore_index=True)
    return table


def with_settings(config: Config, time: str | None = TIME, **settings: object) -> Config:
    gates = config.gates.model_copy(update={"drift": Drift.model_validate(settings)})
    data = config.data.model_copy(update={"time": time})
    return config.model_copy(update={"gates": gates, "data": data})


def other_unit(table: pd.DataFrame, late: pd.Series) -> None:
    table.loc[late, "monthly_charge"] *= 100


def dearer(table: pd.DataFrame, late: pd.Series) -> None:
    table.loc[late, "monthly_charge"] *= 1.3


def gaps(table: pd.DataFrame, late: pd.Series) -> None:
    table.loc[late & (table.index % 2 == 0), "data_gb"] = np.nan


def one_kind(table: pd.DataFrame, late: pd.Series) -> None:
    table.loc[late, "contract_type"] = "yearly"


FAULTS = {
    "another unit": (other_unit, "monthly_charge"),
    "a third more": (dearer, "monthly_charge"),
    "gaps": (gaps, "data_gb"),
    "one kind only": (one_kind, "contract_type"),
}


def test_the_slow_drift_of_the_example_passes(evidence: Evidence) -> None:
    verdict = drift.drift(evidence)
    assert verdict.status == "passed", verdict.reason


@pytest.mark.parametrize("fault", FAULTS)
def test_half_a_year_of_other_values_is_refused(fault: str, evidence: Evidence) -> None:
    plant, column = FAULTS[fault]
    table = whole(evidence)
    plant(table, table[TIME] >= table[TIME].median())
    set_tables(evidence, table)
    verdict = drift.drift(evidence)
    assert verdict.status == "refused"
    assert f"{column} drifted from 20" in verdict.reason
    assert "gates.drift.explained" in verdict.reason


@pytest.mark.parametrize("fault", FAULTS)
def test_test_rows_unlike_the_training_rows_are_refused(
    fault: str, config: Config, evidence: Evidence
) -> None:
    evidence.config = with_settings(config, time=None)
    plant, column = FAULTS[fault]
    mixed = whole(evidence).sample(frac=1, random_state=1, ignore_index=True)
    set_tables(evidence, mixed)
    test = evidence.test.copy()
    assert drift.drift(evidence).status == "passed"
    plant(test, pd.Series(True, index=test.index))
    evidence.__dict__["test"] = test
    verdict = drift.drift(evidence)
    assert verdict.status == "refused"
    assert f"{column} drifted in the test rows" in verdict.reason


@pytest.mark.parametrize("fault", FAULTS)
def test_a_column_unlike_the_champions_is_refused(fault: str, evidence: Evidence) -> None:
    plant, column = FAULTS[fault]
    evidence.__dict__["recorded"] = {"columns": drift.summaries(evidence)}
    assert drift.drift(evidence).status == "passed"
    table = whole(evidence)
    plant(table, pd.Series(True, index=table.index))
    set_tables(evidence, table)
    verdict = drift.drift(evidence)
    assert verdict.status == "refused"
    assert f"{column} drifted since the champion" in verdict.reason


def test_a_change_passes_for_a_reason(config: Config, evidence: Evidence) -> None:
    table = whole(evidence)
    other_unit(table, table[TIME] >= table[TIME].median())
    set_tables(evidence, table)
    evidence.config = with_settings(config, explained={"monthly_charge": "billed in cents now"})
    assert drift.drift(evidence).status == "passed"
    evidence.config = with_settings(config, explained={"monthly_charge": " "})
    assert "say why for monthly_charge" in drift.drift(evidence).reason
    evidence.config = with_settings(config, explained={"monthly_charges": "billed in cents now"})
    assert "did you mean monthly_charge" in drift.drift(evidence).reason


def test_a_champion_that_fell_is_the_datas_fault(config: Config, evidence: Evidence) -> None:
    metric = config.selection.metric
    evidence.champion_version = Version(3, {"sha256": "champion's"}, "run", "source")
    evidence.__dict__["cached_champion"] = evidence.rows.baseline
    at_promotion = {"score": 0.8, "low": 0.77, "high": 0.83, "metric": metric}
    evidence.__dict__["recorded"] = at_promotion | {"sha256": "champion's"}
    verdict = drift.drift(evidence)
    assert verdict.status == "refused"
    assert "the model is the same, so the data changed" in verdict.reason
    evidence.config = with_settings(config, explained={"score": "a new competitor"})
    assert drift.drift(evidence).status == "passed"
    # The champion itself was promoted with that reason: this is another change.
    with_that_reason = {"thresholds": {"drift": {"explained": {"score": "a new competitor"}}}}
    evidence.__dict__["recorded"] |= with_that_reason
    assert "a new reason goes into gates.drift.explained.score" in drift.drift(evidence).reason
    evidence.config = with_settings(config)
    assert "a new reason goes into gates.drift.explained.score" in drift.drift(evidence).reason
    # The record of another model says nothing about this one.
    evidence.config = config
    evidence.__dict__["recorded"] = at_promotion | {"sha256": "another's"}
    assert drift.drift(evidence).status == "passed"


def test_few_rows_are_inconclusive(config: Config, evidence: Evidence) -> None:
    evidence.config = with_settings(config, time=None)
    evidence.__dict__["test"] = evidence.test.head(drift.MIN_ROWS - 1)
    assert drift.drift(evidence).status == "inconclusive"


def test_rows_of_a_few_people_are_few_rows(config: Config, evidence: Evidence) -> None:
    evidence.config = with_settings(config, time=None)
    few = np.arange(len(evidence.test)) % 20
    evidence.__dict__["test"] = evidence.test.assign(customer_id=few)
    assert drift.drift(evidence).status == "inconclusive"


def test_samples_of_one_table_are_seldom_refused(config: Config, evidence: Evidence) -> None:
    evidence.config = with_settings(config, time=None)
    table = whole(evidence)
    refused = 0
    for seed in range(60):
        set_tables(evidence, table.sample(frac=1, random_state=seed, ignore_index=True))
        refused += drift.drift(evidence).status == "refused"
    assert refused == 0


def test_a_jump_in_the_newest_rows_is_seen(config: Config, evidence: Evidence) -> None:
    """They are too few for a period of their own."""
    table = whole(evidence).sort_values(TIME, ignore_index=True)
    newest = table.index >= len(table) - drift.MIN_ROWS // 2
    table["data_gb"] = np.where(newest, table["data_gb"] * 1000, table["data_gb"])
    set_tables(evidence, table)
    assert drift.drift(evidence).status == "refused"


def test_a_column_that_became_empty_is_named_first(config: Config, evidence: Evidence) -> None:
    table = whole(evidence)
    late = table[TIME] >= table[TIME].median()
    dearer(table, late)
    table.loc[late, "data_gb"] = np.nan
    set_tables(evidence, table)
    assert drift.drift(evidence).reason.startswith("data_gb drifted from")


def test_what_is_about_a_person_is_neither_kept_nor_told(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "monthly_charge" in drift.summaries(evidence)

    class Private(team.request()):  # type: ignore[misc]
        monthly_charge: float = pa.Field(metadata=PERSONAL)

    monkeypatch.setattr(team, "request", lambda: Private)
    assert "monthly_charge" not in drift.summaries(evidence)
    table = whole(evidence)
    other_unit(table, table[TIME] >= table[TIME].median())
    set_tables(evidence, table)
    assert drift.drift(evidence).status == "passed"


def test_a_champion_that_cannot_be_scored_is_left_to_its_gate(evidence: Evidence) -> None:
    evidence.champion_version = Version(3, {"sha256": "champion's"}, "run", "source")
    with pytest.raises(ProjectError, match="cannot be scored"):
        _ = evidence.cached_champion
    assert drift.drift(evidence).status == "passed"


def test_a_champion_that_is_suddenly_better_is_the_datas_fault(
    config: Config, evidence: Evidence
) -> None:
    evidence.champion_version = Version(3, {"sha256": "champion's"}, "run", "source")
    evidence.__dict__["cached_champion"] = evidence.cached_candidate
    at_promotion = {"score": 0.6, "low": 0.57, "high": 0.63, "sha256": "champion's"}
    evidence.__dict__["recorded"] = at_promotion | {"metric": config.selection.metric}
    assert "so the data changed" in drift.drift(evidence).reason


def test_a_reason_counts_for_one_champion(config: Config, evidence: Evidence) -> None:
    recorded = {"columns": drift.summaries(evidence)}
    table = whole(evidence)
    other_unit(table, pd.Series(True, index=table.index))
    set_tables(evidence, table)
    explained = {"monthly_charge": "billed in cents now"}
    evidence.config = with_settings(config, explained=explained)
    evidence.__dict__["recorded"] = recorded
    assert drift.drift(evidence).status == "passed"
    with_that_reason = {"thresholds": {"drift": {"explained": explained}}}
    evidence.__dict__["recorded"] = recorded | with_that_reason
    assert "monthly_charge drifted since the champion" in drift.drift(evidence).reason
    # Nor is one that was taken out since then.
    evidence.config = with_settings(config)
    assert "monthly_charge drifted since the champion" in drift.drift(evidence).reason


def test_dates_go_on_by_nature_and_gaps_do_not(evidence: Evidence) -> None:
    evidence.__dict__["recorded"] = {"columns": drift.summaries(evidence)}
    table = whole(evidence)
    table["last_complaint"] += pd.Timedelta(days=400)
    set_tables(evidence, table)
    assert drift.drift(evidence).status == "passed"
    table["last_complaint"] = pd.NaT
    set_tables(evidence, table)
    assert "last_complaint drifted since the champion" in drift.drift(evidence).reason


@pytest.mark.parametrize("n_after", [250, 8000])
def test_the_effect_of_a_category_does_not_depend_on_the_number_of_rows(n_after: int) -> None:
    """A month among years would look like no change at all."""
    before = summarize(pd.Series(["north", "south"] * 4000), 8000)
    after = pd.Series((["north"] * 4 + ["south"]) * (n_after // 5))
    change = compare("region", before, after, n_after, "in the new rows")
    # Half before, four of five after: the root of (0.3²/1.3 + 0.3²/0.7) / 2.
    assert change.effect == pytest.approx(0.3145, abs=1e-4)
    assert drifted([change], Drift()) == [change]
