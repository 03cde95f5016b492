"""Many rows are read by columns where that can be done, else one by one: to the same table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.serving.requests import MANY_ROWS, RefusedRequest, RequestReader
from hypothesis import given
from hypothesis import strategies as st
from machinery.serving.known import Server

Body = dict[str, Any]
ORIGINALS = ["Tenure (months)", "Tenure"]
"""Names of one column in two files of the team."""
OF_NO_COLUMN = "Churned?"

Edit = tuple[str, Any]
ABSENT = object()

CELLS = st.sampled_from(
    [None, True, 0, 7, -1, 10**30, 1.5, float("nan"), "7", "north", "2026-01-31", [], {}, ABSENT]
)
COLUMNS = ["tenure_months", "monthly_charge", "event_month", "region", "data_gb", "has_app"]
NAMES = st.sampled_from([*COLUMNS, *ORIGINALS, OF_NO_COLUMN, "regions", ""])
EDITS = st.tuples(NAMES, CELLS)
ROWS = st.integers(0, MANY_ROWS - 1)


@pytest.fixture(scope="session")
def reader(bodies: list[Body]) -> RequestReader:
    names = dict.fromkeys(ORIGINALS, "tenure_months") | {OF_NO_COLUMN: "churned"}
    # As if somebody had swapped two columns when the table was wired.
    names["region"] = "has_app"
    return RequestReader(team.request(), list(bodies[0]), bodies[:1], names, max_rows=10_000)


def edited(row: Body, edit: Edit) -> Body:
    """A row with another value under a name, or without that name."""
    name, value = edit
    rest = {key: cell for key, cell in row.items() if key != name}
    return rest if value is ABSENT else rest | {name: value}


def renamed(row: Body, original: str) -> Body:
    """A row under the name that its column has in the team's file."""
    return {original if name == "tenure_months" else name: row[name] for name in row}


def row_by_row(reader: RequestReader, values: list[Any]) -> pd.DataFrame | None:
    """The table of rows that are looked at one by one; None if they are refused or need several."""
    try:
        rows, _ = reader.rows(values, partial=False)
    except RefusedRequest:
        return None
    tables = [table for _, table in reader.tables(rows, [])]
    return tables[0] if len(tables) == 1 else None


def by_columns(reader: RequestReader, values: list[Any]) -> pd.DataFrame | None:
    """The table of rows that are read by columns; None if they cannot be."""
    columns = reader.by_columns(values)
    if columns is None:
        return None
    table: pd.DataFrame
    ((positions, table),) = reader.tables([None] * len(values), [(range(len(values)), columns)])
    assert positions == list(range(len(values)))
    return table


@given(
    everywhere=st.lists(EDITS | st.tuples(NAMES, st.just(ABSENT)), max_size=1),
    single=st.dictionaries(ROWS, EDITS, max_size=2),
    original=st.sampled_from(["tenure_months", *ORIGINALS]),
    no_rows=st.dictionaries(ROWS, st.sampled_from([None, 5, "text", [1], {}]), max_size=1),
)
def test_columns_give_the_table_that_rows_give(
    reader: RequestReader,
    bodies: list[Body],
    everywhere: list[Edit],
    single: dict[int, Edit],
    original: str,
    no_rows: dict[int, Any],
) -> None:
    values: list[Any] = [renamed(row, original) for row in bodies[:MANY_ROWS]]
    for edit in everywhere:
        values = [edited(row, edit) for row in values]
    for position, edit in single.items():
        values[position] = edited(values[position], edit)
    for position, value in no_rows.items():
        values[position] = value
    found = by_columns(reader, values)
    expected = row_by_row(reader, values)
    if not everywhere and not single and not no_rows:
        assert found is not None
    if found is not None:
        assert expected is not None
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("absent", ["", "has_app"])
def test_rows_of_the_same_columns_are_read_by_columns(
    reader: RequestReader, bodies: list[Body], absent: str
) -> None:
    values = [edited(row, (absent, ABSENT)) for row in bodies[:MANY_ROWS]]
    # Whatever the order of the names.
    values[1] = dict(reversed(values[1].items()))
    found, expected = by_columns(reader, values), row_by_row(reader, values)
    assert found is not None
    assert expected is not None
    assert list(found) == [name for name in reader.columns if name != absent]
    pd.testing.assert_frame_equal(found, expected)


def test_requests_of_few_and_of_many_rows_are_one_table(
    reader: RequestReader, bodies: list[Body]
) -> None:
    """One prediction for all of them: each has a fixed cost."""
    first, second = reader.by_columns(bodies[:100]), reader.by_columns(bodies[20:150])
    assert first is not None
    assert second is not None
    rows = [*[None] * 100, *bodies[:2], *[None] * 130, bodies[5]]
    many = [(range(100), first), (range(102, 232), second)]
    ((positions, table),) = reader.tables(rows, many)
    expected = row_by_row(reader, [*bodies[:100], *bodies[:2], *bodies[20:150], bodies[5]])
    assert expected is not None
    in_order = table.set_axis(positions).sort_index()
    assert positions != sorted(positions)
    pd.testing.assert_frame_equal(in_order, expected, check_index_type=False)


class Counts(pa.DataFrameModel):
    """A gap that the schema allows, and its type cannot hold."""

    visits: int = pa.Field(nullable=True)
    price: float


def test_a_row_is_refused_whatever_its_other_columns_would_do_to_a_table() -> None:
    columns = ["visits", "price"]
    reader = RequestReader(Counts, columns, [{"visits": 1, "price": 1.0}], {}, max_rows=10_000)
    values = [{"visits": None, "price": "much"}] * MANY_ROWS
    assert reader.by_columns(values) is None
    with pytest.raises(RefusedRequest) as refused:
        reader.rows(values, partial=False)
    assert refused.value.problems[0]["column"] == "price"


def test_of_many_rows_the_broken_one_is_named(server: Server, bodies: list[Body]) -> None:
    rows = [*bodies[:120], bodies[120] | {"tenure_months": "12"}, *bodies[121:150]]
    answer = server.predict(rows)
    assert answer.status == 422
    assert [problem["row"] for problem in answer.body["detail"]] == [120]
    partial = server.predict(rows, "?partial=true").body["predictions"]
    sound = server.predict(bodies[:150]).body["predictions"]
    assert partial == [*sound[:120], None, *sound[121:]]
