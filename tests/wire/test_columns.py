"""What a column holds is judged by its values, whatever kind of file they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlops.config import Read
from mlops.data.cells import convert
from mlops.errors import ProjectError
from wire.columns import infer
from wire.facts import inspect_table
from wire.naming import RESERVED, normalize
from wire.personal import personal
from wire.roles import Overrides, Roles
from written_schemas import hold, rules

ROWS = 60


def kind(*values: object, **how: Any) -> str:
    """The kind of a column that repeats the values, and the formats if it holds dates."""
    cells = [*values] * (ROWS // len(values))
    (column,) = infer(pd.DataFrame({"x": cells}), Read(**how), {})
    return " ".join([column.kind, *column.formats])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2", "30"], "integer"),
        (["1", None, "30"], "integer"),
        (["1.0", None, "30.0"], "integer"),
        (["1.0", "2.0", "30.0"], "number"),
        ([1.0, None, 30.0], "integer"),
        ([1, 2, 30], "integer"),
        (["1.5", "-2", "1e3"], "number"),
        (["yes", "no"], "boolean"),
        (["Y", "N", None], "boolean"),
        (["TRUE", "False"], "boolean"),
        (["0", "1"], "boolean"),
        ([0, 1], "boolean"),
        ([True, False], "boolean"),
        (["yes", "no", "maybe"], "category"),
        (["yes", "true"], "category"),
        (["01", "02", "10"], "category"),
        (["12345678901234567890", "2"], "category"),
        (["red", "green", None], "category"),
        (["2024-01-31", "2024-02-01"], "date ISO8601"),
        (["2024-01-31 10:00", "2024-02-01T11:30:00Z"], "date ISO8601"),
        (["31.01.2024", "01.02.2024"], "date %d.%m.%Y"),
        (["31/01/2024", "01/02/2024"], "date %d/%m/%Y"),
        (["01/31/2024", "02/01/2024"], "date %m/%d/%Y"),
        (["01/02/2024", "03/02/2024"], "date %d/%m/%Y"),
        (["3 Jan 2024", "2024-02-01"], "date ISO8601 %d %b %Y"),
        (["January 3, 2024", "March 1, 2024"], "date %B %d, %Y"),
        (["9999-12-31", "2024-01-01"], "category"),
        ([None], "empty"),
    ],
)
def test_kind_of_a_column(values: list[object], expected: str) -> None:
    assert kind(*values) == expected


def test_marks_in_numbers() -> None:
    assert kind("1.234,5", "17,25", decimal=",", delimiter=";") == "number"
    assert kind("1,234", "12,345,678", thousands=",") == "integer"
    assert kind("15.03.2024", "16.03.2024", decimal=",") == "date %d.%m.%Y"
    assert kind("0,0", "1,0", decimal=",") == "boolean"


@pytest.mark.parametrize(
    "words", [("ja", "nein"), ("Ja", "Nee"), ("oui", "non"), ("s\u00ed", "no"), ("tak", "nie")]
)
def test_yes_is_true_in_other_languages_too(words: tuple[str, str]) -> None:
    (column,) = infer(pd.DataFrame({"left": [*words] * 30}), Read(), {})
    assert column.kind == "boolean"
    assert convert(pd.Series(words), "boolean", Read(), "left").tolist() == [True, False]


def test_eight_digits_are_a_date_if_there_is_such_a_day() -> None:
    def kind_of(*cells: str) -> str:
        (column,) = infer(pd.DataFrame({"day": [*cells] * 30}), Read(), {})
        return column.kind

    assert kind_of("20230930", "20231001") == "date"
    assert kind_of("20230930", "20230931") == "integer"


def test_whole_numbers_and_codes_are_told_apart() -> None:
    cells = {
        "whole": [f"{n}.0" for n in range(ROWS)],
        "measured": [f"{n}.5" for n in range(ROWS)],
        "code": [f"0{n:03}" for n in range(ROWS)],
    }
    found = {column.name: column for column in infer(pd.DataFrame(cells), Read(), {})}
    assert [name for name, column in found.items() if column.whole] == ["whole"]
    assert [name for name, column in found.items() if column.code] == ["code"]


def test_text_is_a_list_of_values_only_if_they_come_back() -> None:
    cells = [f"a remark, number {n}" for n in range(ROWS)]
    (column,) = infer(pd.DataFrame({"x": cells}), Read(), {})
    assert (column.kind, column.unique) == ("text", True)


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("Monthly Charge (€)", "monthly_charge_eur"),
        ("tenureMonths", "tenure_months"),
        ("Größe m²", "groesse_m2"),
        ("客户流失", "ke_hu_liu_shi"),
        ("class", "class_value"),
        ("validate", "validate_value"),
        ("pd", "pd_value"),
        ("Int", "int_value"),
        ("2nd visit", "column_2nd_visit"),
        ("!!!", "column_1"),
        ("x" * 300, "x" * 40),
    ],
)
def test_names_follow_the_table(original: str, name: str) -> None:
    found = normalize([original])[original]
    assert found == name if original != "Monthly Charge (€)" else found.startswith("monthly_charge")


def test_names_that_become_one_are_refused() -> None:
    with pytest.raises(ProjectError, match="'A b' and 'a_b' would both be called a_b"):
        normalize(["A b", "a_b"])


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("contact", "ada{n}@example.org", "holds e-mail addresses"),
        ("contact", "+49 30 1234{n:03}", "holds phone numbers"),
        ("contact", "(030) 555-1{n:03}", "holds phone numbers"),
        ("account", "DE89 3704 0044 0532 0130 00", "holds IBANs"),
        ("last_name", "Lovelace {n}", "named last_name"),
        ("email", "none", "named email"),
        ("amount", "{n}.50", None),
        ("month", "2024-01-{n:02}", None),
        ("code", "DE89 0000 0000 0000 0000 {n:02}", None),
        ("region", "north {n}", None),
    ],
)
def test_what_looks_personal(name: str, value: str, why: str | None) -> None:
    values = pd.Series([value.format(n=n) for n in range(20)])
    assert personal(name, values) == why


def test_card_numbers_need_a_sound_check_digit() -> None:
    digits = [f"4111111111{n:05}" for n in range(20)]
    sound = [d + str(next(c for c in range(10) if _luhn(d + str(c)))) for d in digits]
    assert personal("x", pd.Series(sound)) == "holds card numbers"
    assert personal("x", pd.Series([str(int(number) + 1) for number in sound])) is None


def _luhn(number: str) -> bool:
    doubled = [sum(divmod(int(d) * (1 + n % 2), 10)) for n, d in enumerate(reversed(number))]
    return sum(doubled) % 10 == 0


def table(rows: int = 200) -> pd.DataFrame:
    """Customers with every role in their columns."""
    numbers = range(rows)
    return pd.DataFrame(
        {
            "customer_id": [n // 2 + 1000 for n in numbers],
            "row": [*numbers],
            "signup_date": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            "birth_date": pd.date_range("1970-01-01", periods=rows, freq="40D"),
            "email": [f"c{n}@example.org" for n in numbers],
            "gender": ["f" if n % 2 else "m" for n in numbers],
            "region": [("north", "south", "east")[n % 3] for n in numbers],
            "spend": [n * 31 % 97 + 0.5 for n in numbers],
            "always": "same",
            "hardly": ["x", *[None] * (rows - 1)],
            "remark": [f"said {n} words and left" for n in numbers],
            "churned": ["yes" if n * 7 % 5 > 2 else "no" for n in numbers],
        }
    )


def roles(tmp_path: Path, **overrides: Any) -> Roles:
    table().to_csv(tmp_path / "customers.csv", index=False)
    return inspect_table(tmp_path / "customers.csv", Overrides("churned", **overrides)).roles


def test_roles_are_guessed(tmp_path: Path) -> None:
    found = roles(tmp_path)
    assert (found.task, found.target, found.time) == ("classification", "churned", "signup_date")
    assert found.ids == ["customer_id", "row"]
    assert found.group == "customer_id"
    assert found.personal == ["birth_date", "email"]
    assert found.sensitive == ["birth_date", "gender"]
    assert found.slices == ["region"]
    assert found.excluded == ["always", "hardly", "remark"]
    assert found.features == ["region", "spend"]
    assert found.why.keys() == {*table().columns}


def test_a_person_overrules_every_guess(tmp_path: Path) -> None:
    found = roles(tmp_path, time="none", ids=("row",), slices=("none",), sensitive=("region",))
    assert found.time is None
    assert "signup_date" in found.features
    assert found.sensitive[0] == "region"
    assert found.slices == []
    assert "row" in found.ids


@pytest.mark.parametrize(
    ("target", "metric"),
    [
        ([0, 1], "roc_auc"),
        ([0] * 19 + [1], "average_precision"),
        (["a", "b"], "roc_auc"),
        (["a", "b", "c"], "accuracy"),
        (["a"] * 8 + ["b", "c"], "balanced_accuracy"),
        ([1.5, 2.5, 3.25, 8.0], "r2"),
    ],
)
def test_the_metric_fits_the_target(target: list[object], metric: str, tmp_path: Path) -> None:
    rows = [*target] * 20
    data = pd.DataFrame({"x": [n * 31 % 17 + 0.5 for n in range(len(rows))], "y": rows})
    data.to_csv(tmp_path / "t.csv", index=False)
    assert inspect_table(tmp_path / "t.csv", Overrides("y")).metric == metric


def test_warnings_say_what_would_ruin_the_project(tmp_path: Path) -> None:
    data = table().assign(
        outcome_code=lambda t: (t["churned"] == "yes") * 2.5,
        booked=lambda t: pd.date_range("2090-01-01", periods=len(t)),
        serial=lambda t: [(n * 7919) % 10007 for n in range(len(t))],
    )
    data.loc[199, "churned"] = None
    data = pd.concat([data, data.tail(3)])
    data.to_csv(tmp_path / "customers.csv", index=False)
    facts = inspect_table(tmp_path / "customers.csv", Overrides("churned", ids=("customer_id",)))
    warnings = "\n".join(facts.warnings())
    for words in (
        "left out of the features, since they predict the target alone",
        "skill score above 0.8: outcome_code (1.00). What is known only after the outcome: move",
        "email looks personal",
        "serial may be an id",
        "3 rows are duplicated",
        "2 rows have no outcome",
        "booked runs into the future",
    ):
        assert words in warnings
    rare = table().assign(churned=["rare"] * 3 + ["a", "b"] * 98 + ["a"])
    rare.to_csv(tmp_path / "rare.csv", index=False)
    assert "has 3 rows: too few" in "\n".join(
        inspect_table(tmp_path / "rare.csv", Overrides("churned")).warnings()
    )


@pytest.mark.parametrize("name", RESERVED)
def test_a_column_may_be_called_like_what_the_schema_uses(name: str, tmp_path: Path) -> None:
    data = table()[["spend", "row", "region", "churned"]]
    data.insert(0, name, [n * 31 % 97 + 0.5 for n in range(len(data))])
    data.to_csv(tmp_path / "t.csv", index=False)
    facts = inspect_table(tmp_path / "t.csv", Overrides("churned"))
    assert facts.columns[0].name == f"{name}_value"
    assert len(hold(tmp_path / "t.csv", facts, rules(facts, tmp_path))) == len(data)


def test_an_id_with_gaps_is_no_group(tmp_path: Path) -> None:
    data = table().astype({"customer_id": object})
    data.loc[[3, 8], "customer_id"] = None
    data.to_csv(tmp_path / "customers.csv", index=False)
    facts = inspect_table(tmp_path / "customers.csv", Overrides("churned"))
    assert "customer_id" in facts.roles.ids
    assert facts.roles.group is None
    warning = "customer_id is empty in 2 rows, so it cannot keep the rows of one value together"
    assert warning in "\n".join(facts.warnings())


def test_an_id_with_gaps_leaves_the_group_to_another(tmp_path: Path) -> None:
    data = table().astype({"customer_id": object})
    data.insert(1, "household_id", [n // 4 for n in range(len(data))])
    data.loc[3, "customer_id"] = None
    data.to_csv(tmp_path / "customers.csv", index=False)
    facts = inspect_table(tmp_path / "customers.csv", Overrides("churned"))
    assert facts.roles.group == "household_id"
