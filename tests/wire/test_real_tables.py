"""The rules that are written for a real table hold for it, and refuse every fault planted in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from judged_alone import UNTYPED, alone, without_follow_ups
from mlops.data.cells import convert_types
from mlops.data.readers import outcomes_last
from mlops.data.rules import Rules
from mlops.errors import ProjectError
from real_tables import OVERRIDES, TABLES, nasty
from wire.facts import Facts, inspect_table
from wire.roles import Overrides
from written_schemas import hold, rules

Wired = tuple[Path, Facts, dict[str, Any]]
ALL = [*TABLES, "nasty"]
WITH_CATEGORIES = ["iris", "penguins", "nasty"]
WITH_AN_ORDER = [name for name in ALL if name != "strikes"]  # which has one column and the target


@pytest.fixture(scope="module", params=ALL)
def wired(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Wired:
    """A real table in a file, all that was learned of it, and its rules."""
    folder = tmp_path_factory.mktemp(request.param)
    path = folder / f"{request.param}.csv"
    if request.param == "nasty":
        content, target = nasty()
        path.write_bytes(content)
    else:
        load, target = TABLES[request.param]
        load().to_csv(path, index=False)
    facts = inspect_table(path, Overrides(target, **OVERRIDES.get(request.param, {})))
    return path, facts, rules(facts, folder)


def column(facts: Facts, *kinds: str, gaps: bool = True) -> str:
    """A column of a kind, a feature if there is one."""
    columns = [*facts.features, *facts.columns]
    fit: list[str] = [c.name for c in columns if c.kind in kinds and (gaps or not c.missing)]
    return fit[0]


def spoilt(facts: Facts, name: str, value: str | None) -> pd.DataFrame:
    """The table with another value in row 7 of a column."""
    table: pd.DataFrame = facts.table.astype({name: object})
    table.loc[7, name] = value
    return table


def refusal(wired: Wired, table: pd.DataFrame) -> str:
    path, facts, module = wired
    with pytest.raises(ProjectError) as refused:
        hold(path, facts, module, table)
    return str(refused.value)


def test_a_real_table_holds_its_rules(wired: Wired) -> None:
    path, facts, module = wired
    assert len(hold(path, facts, module)) == facts.target.rows


def test_a_swapped_type_is_refused(wired: Wired) -> None:
    name = column(wired[1], "integer", "number")
    message = refusal(wired, spoilt(wired[1], name, "many"))
    assert f"{name}: " in message
    assert "row 7" in message
    assert "many" in message


@pytest.mark.parametrize("wired", WITH_CATEGORIES, indirect=True)
def test_an_unknown_category_is_refused(wired: Wired) -> None:
    name = column(wired[1], "category")
    message = refusal(wired, spoilt(wired[1], name, "mars"))
    assert f"{name}: breaks the rule isin" in message
    assert "row 7 has mars" in message


def test_a_constant_column_is_refused(wired: Wired) -> None:
    facts = wired[1]
    name = column(facts, "integer", "number")
    message = refusal(wired, facts.table.assign(**{name: facts.table[name].dropna().iloc[0]}))
    assert f"{name}: breaks the rule more than one value in a column" in message
    assert "row(s): row 0" in message


def test_a_missing_column_is_refused(wired: Wired) -> None:
    name = wired[1].features[0].name
    assert f"{name}: missing from the table" in refusal(wired, wired[1].table.drop(columns=name))


@pytest.mark.parametrize("wired", WITH_AN_ORDER, indirect=True)
def test_a_shifted_order_is_refused(wired: Wired) -> None:
    _, facts, module = wired
    shifted = facts.table[facts.table.columns[::-1]]
    ordered = outcomes_last(shifted, module["RawTable"], module["Request"])
    assert [*ordered][:-1] == [c.name for c in facts.inputs][::-1]
    assert "not at its place in the order of columns" in refusal(wired, shifted)


def test_a_gap_in_a_required_column_is_refused(wired: Wired) -> None:
    name = column(wired[1], "integer", "number", "category", gaps=False)
    message = refusal(wired, spoilt(wired[1], name, None))
    assert f"{name}: breaks the rule not_nullable" in message
    assert "row 7" in message


@pytest.mark.parametrize("value", [None, "many", -1e9])
def test_each_row_is_judged_as_pandera_judges_it_alone(wired: Wired, value: Any) -> None:
    _, facts, module = wired
    request = module["Request"]
    names = list(request.to_schema().columns)
    typed = convert_types(facts.table, request.to_schema(), facts.read)[names]
    rows = typed.dropna().head(6).reset_index(drop=True)
    # A fault in each row but the first, in another column each, from the first to the last.
    step = max(1, len(names) // 5)
    for position, name in enumerate(names[::step][:5], start=1):
        rows[name] = rows[name].astype(object)
        rows.loc[position, name] = value
    split = Rules(request).split(rows)
    mine = {(fault.row, fault.column) for fault in split.broken}
    theirs = alone(request, rows)
    untyped = {fault.row for fault in split.broken if fault.rule.startswith(UNTYPED)}
    assert without_follow_ups(mine, untyped) == without_follow_ups(theirs, untyped)
    assert list(split.sound.index) == sorted({*range(len(rows))} - {row for row, _ in mine})
