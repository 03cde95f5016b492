"""Rules judges each row as pandera judges it alone, and faster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.data.rules import Broken, Rules
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.inputs import feature_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from judged_alone import UNTYPED, alone, without_follow_ups
from machinery.data.wide_table import decimals, wide

ODD = [
    None,
    float("nan"),
    -1,
    0,
    1,
    10**9,
    2.5,
    "1",
    "",
    "x",
    "north",
    True,
    pd.Timestamp("2019-01-01"),
]
"""What may stand where it should not."""


class Everything(pa.DataFrameModel):
    """One column for each kind of rule."""

    ratio: float = pa.Field(in_range={"min_value": 0, "max_value": 1}, nullable=True)
    count: pd.Int64Dtype = pa.Field(ge=0, ne=3, nullable=True)
    grade: int = pa.Field(isin=[1, 2, 3], unique=True)
    code: str = pa.Field(str_matches=r"^[a-z]", str_length={"max_value": 3})
    size: pd.CategoricalDtype = pa.Field(dtype_kwargs={"categories": ["S", "L"]})
    day: pd.Timestamp = pa.Field(gt=pd.Timestamp("2020-01-01"), nullable=True)
    zoned: pd.DatetimeTZDtype = pa.Field(
        dtype_kwargs={"unit": "ns", "tz": "UTC"}, ge=pd.Timestamp("2020-01-01", tz="UTC")
    )

    class Config:
        strict = True
        coerce = True
        unique = ("count", "code")

    @pa.check("ratio", element_wise=True, error="no half")
    def no_half(cls, value: float) -> bool:
        return value != 0.5

    @pa.check("grade", error="small on the whole")
    def small(cls, column: pd.Series) -> bool:
        return bool(column.mean() < 3)

    @pa.check("grade", groupby="code", error="asks other rows")
    def grouped(cls, groups: dict[str, pd.Series]) -> bool:
        return "a" in groups

    @pa.check("code", raise_warning=True)
    def warns(cls, column: pd.Series) -> pd.Series:
        return column != "a"

    @pa.dataframe_check(error="grade before count")
    def ordered(cls, rows: pd.DataFrame) -> pd.Series:
        return rows["grade"] <= rows["count"]


def everything(rows: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ratio": np.linspace(0, 0.4, rows),
            "count": pd.array(range(4, 4 + rows), "Int64"),
            "grade": [1, 2, *[1] * (rows - 2)],
            "code": ["a", "b", *["c"] * (rows - 2)],
            "size": pd.Categorical(["S"] * rows, ["S", "L"]),
            "day": pd.date_range("2024-01-01", periods=rows),
            "zoned": pd.date_range("2024-01-01", periods=rows, tz="UTC"),
        }
    )


class Parsed(pa.DataFrameModel):
    """A schema that changes values before it judges them."""

    name: str = pa.Field(isin=["a", "b"])
    size: float = pa.Field(ge=0, default=1.0)

    class Config:
        coerce = True

    @pa.parser("name")
    def lower(cls, column: pd.Series) -> pd.Series:  # noqa: N805
        return column.astype("str").str.lower()


def example() -> pd.DataFrame:
    raw = team.simulate(40, 7)
    request: pd.DataFrame = raw.drop(columns=["label_month", "churned", "spend_next_month"])
    return request


def example_features() -> pd.DataFrame:
    rows: pd.DataFrame = team.request().validate(example())
    features: pd.DataFrame = feature_table(team.features(), rows)
    return features


Case = tuple[type[pa.DataFrameModel], Callable[[], pd.DataFrame]]
CASES: dict[str, Case] = {
    "Request": (team.request(), example),
    "FeatureTable": (team.feature_schema(), example_features),
    "everything": (Everything, everything),
    "wide": (wide(), decimals),
    "parsed": (Parsed, lambda: pd.DataFrame({"name": ["a", "B"], "size": [None, 2.0]})),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_each_row_is_judged_as_pandera_judges_it_alone(name: str, data: DataObject) -> None:
    schema, make = CASES[name]
    agree(schema, make(), data)


def agree(schema: type[pa.DataFrameModel], sound: pd.DataFrame, data: DataObject) -> None:
    """Spoil some cells, and hold Rules against pandera."""
    rows = sound.head(data.draw(st.integers(1, 4)))
    columns: dict[str, list[Any]] = {str(name): list(values) for name, values in rows.items()}
    spoiled = set()
    for _ in range(data.draw(st.integers(0, 3))):
        column = data.draw(st.sampled_from(sorted(columns)))
        position = data.draw(st.integers(0, len(rows) - 1))
        columns[column][position] = data.draw(st.sampled_from(ODD))
        spoiled.add(column)
    # Cells of several types in one column are objects; other columns stay as they are.
    table = pd.DataFrame(
        {
            column: pd.Series(values, dtype=object if column in spoiled else rows[column].dtype)
            for column, values in columns.items()
        }
    )
    rules = Rules(schema)
    split = rules.split(table)
    mine = {(fault.row, fault.column) for fault in split.broken}
    theirs = alone(schema, table)
    untyped = {fault.row for fault in split.broken if fault.rule.startswith(UNTYPED)}
    assert without_follow_ups(mine, untyped) == without_follow_ups(theirs, untyped)
    assert {row for row, _ in mine} == {row for row, _ in theirs}
    assert sorted({*range(len(table))} - {row for row, _ in mine}) == list(split.sound.index)
    if len(split.sound):
        assert rules.broken(split.sound) == []


def test_what_is_broken_is_named_by_position_column_and_rule() -> None:
    rows = example().head(4).reset_index(drop=True)
    rows.loc[0, "region"] = "moon"
    rows["tenure_months"] = pd.Series([1, None, "many", 3], dtype=object)
    rows["event_month"] = pd.Timestamp("2024-05-01")
    rows["last_complaint"] = pd.to_datetime(pd.Series([None, None, None, "2024-06-01"]))
    rows.index = [7, 7, 8, 9]
    split = Rules(team.request()).split(rows)
    assert split.broken == [
        Broken(0, "region", "isin(['north', 'east', 'south', 'west'])"),
        Broken(1, "tenure_months", "not_nullable"),
        Broken(2, "tenure_months", "coerce_dtype('int64')"),
        Broken(3, "", "no complaint after event_month"),
    ]
    assert split.sound.empty


def test_sound_rows_have_the_types_of_the_schema_and_their_own_index() -> None:
    schema = team.request()
    rows = example().head(4)
    rows.index = list("abcd")
    rows["data_gb"] = [1, -1, 2, 3]
    rows["has_app"] = rows["has_app"].astype(object)
    before = rows.copy()
    split = Rules(schema).split(rows)
    assert list(split.sound.index) == ["a", "c", "d"]
    pd.testing.assert_frame_equal(split.sound, schema.validate(rows.drop(index="b")))
    pd.testing.assert_frame_equal(rows, before)


def test_one_truth_for_a_column_is_asked_of_each_row_by_itself() -> None:
    rows = everything(3).assign(grade=[1, 3, 1], count=[4, 3, 4])
    assert Rules(Everything).broken(rows) == [
        Broken(1, "count", "not_equal_to(3)"),
        Broken(1, "grade", "small on the whole"),
    ]


def test_no_type_is_changed_where_the_schema_does_not_say_so() -> None:
    class AsIs(pa.DataFrameModel):
        count: int = pa.Field(ge=0)
        note: str

    rules = Rules(AsIs)
    rows = pd.DataFrame({"count": [1, 2], "note": ["a", "b"], "more": [1, 2]})
    assert rules.split(rows).sound is rows
    wrong = rows.assign(count=[1.0, 2.0])
    assert rules.broken(wrong) == [Broken(row, "count", "dtype('int64')") for row in (0, 1)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"drop": ["region", "risk"]}, "region: missing from the table"),
        ({"drop": ["network_risk", "payment_risk"]}, "_risk$: missing from the table"),
        ({"add": "town"}, "town: not declared in the schema"),
    ],
)
def test_other_columns_are_refused(change: dict[str, list[str]], said: str) -> None:
    rows = example().drop(columns=change.get("drop", []), errors="ignore")
    if "add" in change:
        rows[change["add"]] = 1
    with pytest.raises(ProjectError) as refused:
        Rules(team.request()).broken(rows)
    assert str(refused.value).startswith("the data breaks Request:\n")
    assert said in str(refused.value)


def test_a_column_that_may_be_missing_and_any_order_are_taken() -> None:
    rows = example().drop(columns="has_app")
    assert Rules(team.request()).broken(rows[rows.columns[::-1]]) == []


def test_a_column_too_many_is_dropped_where_the_schema_filters() -> None:
    class Filter(pa.DataFrameModel):
        count: int

        class Config:
            strict = "filter"

    rows = pd.DataFrame({"count": [1], "more": [1]})
    assert list(Rules(Filter).split(rows).sound) == ["count"]


@pytest.mark.parametrize("name", ["Request", "FeatureTable"])
def test_few_rows_are_judged_ten_times_as_fast_as_by_pandera(name: str) -> None:
    schema, make = CASES[name]
    rows = make().head(8).reset_index(drop=True)
    rules = Rules(schema)
    # Coverage traces this code and not pandera's, which would be compared with it as it is.
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        # The shortest of five series each: a machine that is busy for one is not for all.
        ours = min(seconds(lambda: rules.broken(rows)) for _ in range(5))
        pandera = min(seconds(lambda: schema.validate(rows)) for _ in range(5))
    finally:
        sys.settrace(tracer)
    assert ours < pandera / 10


def seconds(call: Callable[[], object]) -> float:
    """The shortest of fifty calls: others need the machine as well."""
    found = []
    for _ in range(50):
        began = perf_counter()
        call()
        found.append(perf_counter() - began)
    return min(found)
