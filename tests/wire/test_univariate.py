"""A column that alone tells the outcome is no feature, and is measured as the gate will."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from mlops.bounds import Leakage
from mlops.config import Config
from mlops.evaluation.importance import univariate_skill
from mlops.modeling.inputs import Inputs
from wire import univariate
from wire.facts import Facts, inspect_table
from wire.roles import Overrides
from wire.write import features, params, schemas
from written_schemas import PRESENT

REASON = {"status": "The desk asks for it before."}


def with_a_leak(rows: int = 400) -> pd.DataFrame:
    """The outcome in other words, beside a column that tells nothing."""
    outcome = [n % 2 for n in range(rows)]
    words = ["cancelled" if value else "active" for value in outcome]
    noise = [n * 31 % 1009 + 0.5 for n in range(rows)]
    return pd.DataFrame({"status": words, "noise": noise, "churned": outcome})


def wired(table: pd.DataFrame, folder: Path, leakage: Leakage | None = None) -> Facts:
    path = folder / "t.parquet"
    table.to_parquet(path)
    overrides = Overrides(table.columns[-1], leakage=leakage or Leakage())
    return inspect_table(path, overrides)


def test_a_column_that_alone_tells_the_outcome_is_no_feature(tmp_path: Path) -> None:
    facts = wired(with_a_leak(), tmp_path)
    assert (facts.roles.leaks, facts.roles.features) == (["status"], ["noise"])
    assert facts.roles.slices == []
    assert facts.roles.of("status") == "leak"
    assert "alone it has a skill score of 1.00" in facts.roles.why["status"]
    (warning,) = facts.warnings()
    assert warning.startswith("left out of the features, since they predict the target alone")
    assert "a skill score above 0.8: status (1.00). What is known only after" in warning
    assert "add it to features.py and to FeatureTable in schemas.py, and say why" in warning
    assert "status" not in features.text(facts, "A team")
    assert "status: " in schemas.text(facts), "it may become a feature again"


def test_a_slice_that_is_left_out_leaves_its_place_to_the_next(tmp_path: Path) -> None:
    table = with_a_leak()
    for number in (2, 3, 4):
        kinds = [f"kind {n // 2 % number}" for n in range(len(table))]
        table.insert(0, f"kind_{number}", kinds)
    assert sorted(wired(table, tmp_path).roles.slices) == ["kind_2", "kind_3", "kind_4"]


def test_columns_that_all_tell_the_outcome_stay(tmp_path: Path) -> None:
    """Without a feature there is no model; `make promote` asks about them."""
    facts = wired(with_a_leak().drop(columns="noise"), tmp_path)
    assert (facts.roles.leaks, facts.roles.features) == ([], ["status"])
    warning = "\n".join(facts.warnings())
    assert "features that predict the target alone with a skill score above 0.8: status" in warning
    assert "say why under gates.leakage.explained in params.yaml, or the model is not" in warning


def test_on_few_rows_a_column_tells_so_much_by_chance(tmp_path: Path) -> None:
    assert wired(with_a_leak(40), tmp_path).roles.leaks == []


def test_a_column_with_a_reason_stays_a_feature_when_wired_again(tmp_path: Path) -> None:
    leakage = Leakage(explained=REASON | {"gone": "Because."})
    facts = wired(with_a_leak(), tmp_path, leakage)
    assert (facts.roles.leaks, facts.roles.features) == ([], ["status", "noise"])
    assert "explained: The desk asks for it before." in "\n".join(facts.warnings())
    gates = PRESENT.gates.model_copy(update={"leakage": leakage})
    text = params.text(facts, PRESENT.model_copy(update={"gates": gates}))
    assert Config.model_validate(yaml.safe_load(text)).gates.leakage.explained == REASON


def test_a_date_is_explained_by_the_name_of_its_feature(tmp_path: Path) -> None:
    table = with_a_leak().drop(columns="status")
    day = pd.Timestamp("2024-01-01")
    table.insert(0, "last_visit", [day + pd.Timedelta(days=9 * n) for n in table["churned"]])
    assert wired(table, tmp_path).roles.leaks == ["last_visit"]
    leakage = Leakage(explained={"last_visit_days": "Known before."})
    assert wired(table, tmp_path, leakage).roles.leaks == []


def test_the_threshold_is_that_of_the_gate(tmp_path: Path) -> None:
    assert wired(with_a_leak(), tmp_path, Leakage(max_skill=1)).roles.leaks == []


def test_rows_that_fill_no_fold_tell_nothing(tmp_path: Path) -> None:
    table = with_a_leak()
    table.insert(0, "shop", [n // 200 for n in range(len(table))])
    path = tmp_path / "t.parquet"
    table.to_parquet(path)
    facts = inspect_table(path, Overrides("churned", ids=("shop",)))
    assert facts.univariate == {"status": 0, "noise": 0}


ROWS = 900


def table_of(kind: str) -> pd.DataFrame:
    """Columns of all kinds that follow from the outcome, each with errors of its own."""
    rng = np.random.default_rng(7)
    score = rng.normal(size=ROWS)

    def near(error: float) -> np.ndarray:
        return score + rng.normal(scale=error, size=ROWS)

    ranks = pd.Series(score).rank(pct=True)
    outcomes = {
        "two classes": np.where(ranks > 0.5, "yes", "no"),
        "a rare class": ranks > 0.93,
        "three classes": pd.cut(ranks, 3, labels=["low", "mid", "high"]).astype(str),
        "a rare third class": pd.cut(ranks, [0, 0.1, 0.5, 1], labels=["a", "b", "c"]).astype(str),
        "a number": score * 10,
    }
    event_date = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, ROWS), unit="D")
    columns = {
        "member_id": [f"m{n // 3}" for n in range(ROWS)],
        "event_date": event_date,
        "amount": near(0.1),
        "gaps": pd.Series(near(0.5)).mask(rng.random(ROWS) < 0.3),
        "present_if": pd.Series(near(9.0)).mask(score < 0.5),
        "huge": near(0.3) * 1e15,
        "flag": near(0.3) > 0.4,
        "place": [f"place {n}" for n in pd.cut(near(0.2), 40, labels=False)],
        "grade": pd.Series(pd.cut(near(0.5), 4, labels=[*"abcd"])).astype(str).mask(score > 1.8),
        "left_on": event_date + pd.to_timedelta((near(0.1) * 40).round(), unit="D"),
        "nothing": rng.normal(size=ROWS),
    }
    return pd.DataFrame(columns | {"outcome": outcomes[kind]})


def as_features(facts: Facts) -> pd.DataFrame:
    """The features of the project, which takes dates as days before or after the row's time."""
    columns = {}
    for column in facts.features:
        values = facts.table[column.name]
        if column.kind == "date":
            values = (values - facts.table["event_date"]).dt.days
        columns[column.name] = values if column.kind == "category" else values.astype(float)
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    "kind", ["two classes", "a rare class", "three classes", "a rare third class", "a number"]
)
def test_the_gate_measures_the_same(kind: str, tmp_path: Path) -> None:
    facts = wired(table_of(kind), tmp_path, Leakage(max_skill=1))
    assert (facts.roles.time, facts.roles.group) == ("event_date", "member_id")
    settings = yaml.safe_load(params.text(facts, PRESENT))
    # With the same seed the folds are the same.
    settings["seed"] = univariate.SEED
    settings["tuning"]["folds"] = univariate.N_FOLDS
    config = Config.model_validate(settings)
    outcome = facts.table["outcome"]
    if facts.target.kind == "boolean":
        outcome = outcome.astype(int)
    data = Inputs(as_features(facts), outcome, facts.table["member_id"])
    expected = univariate_skill(config, data, [column.name for column in facts.features])
    assert len(expected) >= 8
    assert max(expected.values()) > 0.6
    for name, skill in expected.items():
        assert facts.univariate[name] == pytest.approx(max(skill, 0), abs=0.03), name
