"""Rows that are made up hold every kind of rule that wiring can write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops import Feature, invent_rows, team
from churn_radar.mlops.data.validation import invent
from pandera.typing import DataFrame

DAY = pd.Timestamp("2021-05-01")
COLUMNS: list[tuple[Any, dict[str, Any]]] = [
    (int, {"ge": -8, "le": 40}),
    (int, {"ge": 0, "le": 2.4e16}),
    (int, {"ge": -1e19, "le": 1e19}),
    (int, {"isin": [0, 1, 2]}),
    (int, {}),
    (int, {"le": -7}),
    (float, {"ge": -0.5, "le": 1}),
    (float, {"ge": -1.7e308, "le": 1.7e308}),
    (float, {"ge": 0, "le": 0}),
    (float, {}),
    (float, {"le": -3}),
    (pd.BooleanDtype, {}),
    (pd.Timestamp, {"ge": DAY}),
    (pd.Timestamp, {}),
    (str, {"isin": ["no", "yes", "ähm"]}),
    (str, {}),
]
UNIQUE: list[tuple[Any, dict[str, Any]]] = [
    (int, {"ge": 0, "unique": True}),
    (int, {"unique": True}),
    (pd.Timestamp, {"ge": DAY, "unique": True}),
    (str, {"unique": True}),
]
FEATURES = (Feature("amount", "numeric", "team", "source", "reason"),)
ROWS = 200


class Config:
    """What wiring writes into every schema."""

    strict = True
    ordered = True
    coerce = True


def schema(name: str, kind: Any, rules: dict[str, Any], nullable: bool) -> type[pa.DataFrameModel]:
    """A schema of one column beside a feature, with the type that wiring gives it."""
    if nullable and kind is int:
        kind = pd.Int64Dtype
    fields = {
        "__annotations__": {"amount": float, name: kind},
        "amount": pa.Field(ge=0, le=9),
        name: pa.Field(nullable=nullable, **rules),
        "Config": Config,
    }
    return type("Table", (pa.DataFrameModel,), fields)


REQUEST = schema("amount", float, {"ge": 0, "le": 9}, nullable=False)


def hold(raw: type[pa.DataFrameModel], request: Any, nullable: bool) -> pd.DataFrame:
    """The made-up rows, which hold the schema before anything is converted."""
    table: pd.DataFrame = invent(raw, request, FEATURES, ROWS, seed=3)
    checked: DataFrame[Any] = raw.validate(table)
    strict = raw.to_schema()
    strict.coerce = False
    strict.validate(table)
    pd.testing.assert_frame_equal(table, checked)
    assert table["other"].isna().any() == nullable
    pd.testing.assert_frame_equal(table, invent(raw, request, FEATURES, ROWS, seed=3))
    return table


@pytest.mark.parametrize("nullable", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize(("kind", "rules"), COLUMNS, ids=str)
def test_a_feature_of_any_type_holds_its_rules(
    kind: Any, rules: dict[str, Any], nullable: bool
) -> None:
    raw = schema("other", kind, rules, nullable)
    table = hold(raw, raw, nullable)
    assert table["other"].nunique() > 1 or rules.get("le") == 0


@pytest.mark.parametrize("nullable", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize(("kind", "rules"), UNIQUE, ids=str)
def test_no_value_of_a_unique_column_is_duplicated(
    kind: Any, rules: dict[str, Any], nullable: bool
) -> None:
    raw = schema("other", kind, rules, nullable)
    assert hold(raw, raw, nullable=False)["other"].is_unique


@pytest.mark.parametrize("nullable", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize(("kind", "rules"), COLUMNS, ids=str)
def test_an_outcome_of_any_type_holds_its_rules_and_follows_the_feature(
    kind: Any, rules: dict[str, Any], nullable: bool
) -> None:
    table = hold(schema("other", kind, rules, nullable), REQUEST, nullable).dropna()
    if rules.get("le") == 0:
        return
    codes = table["other"].astype("category").cat.codes
    if "isin" in rules and kind is str:
        codes = table["other"].map({value: n for n, value in enumerate(rules["isin"])})
    assert np.corrcoef(codes.astype(float).rank(), table["amount"].rank())[0, 1] > 0.7


def test_the_public_function_makes_up_the_teams_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = schema("other", pd.BooleanDtype, {}, nullable=False)
    monkeypatch.setattr(team, "raw_table", lambda: raw)
    monkeypatch.setattr(team, "request", lambda: REQUEST)
    monkeypatch.setattr(team, "features", lambda: FEATURES)
    expected = invent(raw, REQUEST, FEATURES, ROWS, seed=3)
    pd.testing.assert_frame_equal(invent_rows(ROWS, seed=3), expected)
