"""Rows made up from a schema hold its rules, and teach a model something."""

from types import SimpleNamespace

import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops import Feature, invent_rows, team
from churn_radar.mlops.data.invented import invent
from churn_radar.mlops.data.validation import checked
from pandas.testing import assert_frame_equal


class Request(pa.DataFrameModel):
    key: int = pa.Field(unique=True, ge=1)
    code: str = pa.Field(unique=True)
    note: str = pa.Field(nullable=True)
    color: str = pa.Field(isin=["red", "green"])
    size: float = pa.Field(ge=2, le=3)
    visits: int = pa.Field(ge=0, le=9)
    paid: pd.BooleanDtype = pa.Field(nullable=True)
    day: pd.Timestamp = pa.Field(ge=pd.Timestamp("2020-01-01"))

    class Config:
        strict = True
        ordered = True


class Left(Request):
    left: pd.BooleanDtype


class Grade(Request):
    grade: str = pa.Field(isin=["a", "b", "c"])


class Spent(Request):
    spent: float = pa.Field(ge=-1, le=1)


FEATURES = (
    Feature("size", "numeric", "team", "source", "reason"),
    Feature("visits", "numeric", "team", "source", "reason", lambda rows: rows["visits"] * 2.0),
)


@pytest.mark.parametrize("raw", [Left, Grade, Spent])
def test_invented_rows_hold_their_schema(raw: type[pa.DataFrameModel]) -> None:
    table = invent(raw, Request, FEATURES, 200, 1)
    assert_frame_equal(checked(raw, table), table)
    assert len(table) == 200
    assert table["note"].isna().any()
    assert table["paid"].isna().any()
    assert_frame_equal(invent(raw, Request, FEATURES, 200, 1), table)
    outcome = table.iloc[:, -1]
    assert outcome.nunique() > 1
    assert abs(outcome.astype("category").cat.codes.corr(table["size"])) > 0.5


def test_the_public_function_asks_for_the_teams_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = SimpleNamespace(raw_table=lambda: Left, request=lambda: Request)
    monkeypatch.setattr(team, "raw_table", schemas.raw_table)
    monkeypatch.setattr(team, "request", schemas.request)
    monkeypatch.setattr(team, "features", lambda: FEATURES)
    assert_frame_equal(invent_rows(50, 3), invent(Left, Request, FEATURES, 50, 3))
