"""A table with every trap in it: roles, types and warnings are what a careful person would say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from mlops.bounds import Leakage
from mlops.config import Config
from mlops.data.cells import convert_types
from mlops.data.readers import read
from wire.facts import Facts, inspect_table
from wire.roles import Overrides
from wire.write import card, features, params, schemas
from written_schemas import PRESENT, hold, rules

ROWS = 4_000
RARE = 117


def trapped(rows: int = ROWS) -> pd.DataFrame:
    """Customers as an export has them: amounts as people write them, leaks, a rare outcome."""
    rng = np.random.default_rng(11)
    left = np.arange(rows) >= rows - RARE
    customer = rng.integers(0, rows // 3, rows)
    prices = rng.integers(1_000, 90_000, rows) / 10
    german = [f"€ {price:,.2f}".translate(str.maketrans(",.", ".,")) for price in prices]
    reasons = pd.Series(rng.choice(["price", "moved", "service"], rows)).where(left)
    return pd.DataFrame(
        {
            "Row": range(1, rows + 1),
            "Customer No.": 70_000 + customer * 7,
            "Signed up": pd.to_datetime(rng.integers(18_000, 19_500, rows), unit="D").strftime(
                "%d.%m.%Y"
            ),
            "Date of birth": pd.to_datetime(7_000 + customer * 9 % 9_000, unit="D").strftime(
                "%Y-%m-%d"
            ),
            "Age": 18 + customer % 63,
            "Share used": [f"{share:.1f}%" for share in rng.uniform(0, 99, rows)],
            "Price": german,
            "Turnover": [f"{amount:.1f}k" for amount in rng.uniform(1, 60, rows)],
            "Vehicle age": rng.integers(0, 20, rows),
            "No. of calls": rng.integers(0, 45, rows),
            "App": rng.choice(["yes", "no"], rows, p=[0.3, 0.7]),
            "Region": rng.choice(["north", "south", "east"], rows),
            # Known only of those who left, of those who stayed, and of nobody else.
            "Reason": reasons,
            "Renewed": pd.Series(rng.choice(["web", "phone"], rows)).mask(left),
            "Final bill": np.where(left, 0.5, 20.5) + rng.uniform(0, 9, rows).round(2),
            "Currency": "EUR",
            "Left": np.where(left, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trapped") / "customers.csv"
    trapped().to_csv(path, index=False, sep=";")
    return path


@pytest.fixture(scope="module")
def facts(path: Path) -> Facts:
    return inspect_table(path, Overrides("Left"))


ROLES = {
    "row": "id",
    "customer_no": "group, id",
    "signed_up": "time",
    "date_of_birth": "personal, sensitive",
    "age": "sensitive",
    "share_used": "feature",
    "price": "feature",
    "turnover": "feature",
    "vehicle_age": "feature",
    "no_of_calls": "feature",
    "app": "feature, slice",
    "region": "feature, slice",
    "reason": "excluded",
    "renewed": "leak",
    "final_bill": "leak",
    "currency": "excluded",
    "left": "target",
}
KINDS = {
    "customer_no": "integer",
    "signed_up": "date",
    "date_of_birth": "date",
    "share_used": "number",
    "price": "number",
    "turnover": "number",
    "app": "boolean",
    "left": "boolean",
}


def test_every_column_has_the_role_that_a_careful_person_gives(facts: Facts) -> None:
    assert {column.name: facts.roles.of(column.name) for column in facts.columns} == ROLES
    found = {name: facts.column(name).kind for name in KINDS}
    assert found == KINDS
    assert (facts.metric, facts.roles.group) == ("average_precision", "customer_no")


def test_amounts_are_the_same_numbers_in_wiring_and_pipeline(facts: Facts, path: Path) -> None:
    how = Config.model_validate(yaml.safe_load(params.text(facts, PRESENT))).data.read
    assert (how.decimal, how.decimals) == (".", {"price": ","})
    schema = rules(facts, path.parent)["RawTable"].to_schema()
    table = convert_types(read(path, how), schema, how)
    assert table[["share_used", "price", "turnover"]].equals(
        facts.table[["share_used", "price", "turnover"]]
    )
    assert table["share_used"].between(0, 1).all()
    assert table["price"].between(100, 9_000).all()
    assert table["turnover"].between(1_000, 60_000).all()
    assert len(hold(path, facts, rules(facts, path.parent))) == ROWS


@pytest.mark.parametrize(
    "words",
    [
        "left is True in 117 of 4,000 rows (2.9%), a rare class: a model that never predicts it is "
        "right in 97.1%, so accuracy says nothing, and average_precision is measured",
        "predict the target alone with a skill score above 0.8: final_bill (1.00)",
        "renewed is missing in 100% of the rows where left is True, and in 0% of the others",
        "reason is missing in 0% of the rows where left is True, and in 100% of the others",
        "the file is sorted by left: whatever follows the order of the rows",
        "date_of_birth looks personal",
    ],
)
def test_each_trap_has_a_warning_that_says_what_to_do(words: str, facts: Facts) -> None:
    (warning,) = [warning for warning in facts.warnings() if words in warning]
    assert len(warning) > len(words)


def test_a_sound_table_has_no_such_warning(tmp_path: Path) -> None:
    table = trapped().drop(columns=["Final bill", "Renewed", "Reason", "Date of birth", "Row"])
    table["Left"] = np.random.default_rng(3).choice(["yes", "no"], len(table))
    table.to_csv(tmp_path / "t.csv", index=False)
    assert list(inspect_table(tmp_path / "t.csv", Overrides("Left")).warnings()) == []


@pytest.mark.parametrize("rows", [range(300), range(300, 0, -1)])
def test_a_number_may_be_sorted_too(rows: range, tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [n * 31 % 97 + 0.5 for n in rows], "y": [n * n / 7 for n in rows]})
    table.to_csv(tmp_path / "t.csv", index=False)
    assert "the file is sorted by y" in "\n".join(
        inspect_table(tmp_path / "t.csv", Overrides("y")).warnings()
    )


def test_gaps_that_a_person_explained_stay(path: Path) -> None:
    explained = Leakage(explained={"renewed": "Known before.", "final_bill": "As well."})
    facts = inspect_table(path, Overrides("Left", leakage=explained))
    assert {"renewed", "final_bill"} < {*facts.roles.features}


def test_the_card_says_balance_rates_and_why_columns_are_left_out(facts: Facts) -> None:
    text = card.text(facts)
    assert "| balance | False 97.08% (3,883), True 2.93% (117) |" in text
    rate = (facts.table["app"] == True).mean()  # noqa: E712 (nullable booleans)
    assert f"| true in {rate:.2%} |" in text
    _, section = text.split("## Not in the features")
    assert "| `currency` | excluded: one value in all rows |" in section
    assert re.search(r"`customer_no` \| group, id: by its name, and 1,\d+ values in 4,000", section)
    assert "`renewed` | leak: 2 values; missing in 100% of the rows where left is True" in section
    assert "`reason` | excluded: nearly empty: 117 values; missing in 0% of the rows" in section


def test_nothing_that_is_written_shows_how_python_holds_a_number(
    facts: Facts, tmp_path: Path
) -> None:
    table = trapped().assign(Left=lambda t: (t["Left"] == "yes").astype(int) + 1)
    table.loc[:3, "Left"] = 3
    table.to_parquet(tmp_path / "t.parquet")
    for found in (facts, inspect_table(tmp_path / "t.parquet", Overrides("Left"))):
        written = [
            card.text(found),
            features.text(found, "A team"),
            params.text(found, PRESENT),
            schemas.text(found),
            *found.settings().values(),
            *found.warnings(),
            *found.roles.why.values(),
        ]
        assert not re.search(r"\b(np|numpy|pd\.NA|Timestamp)\b[.(]", "\n".join(written[4:]))
        assert not re.search(r"\bnp\.", "\n".join(written))


def test_a_histogram_of_whole_numbers_has_a_bar_for_each(tmp_path: Path) -> None:
    rows = [f"{n % 6 + 1},{'yes' if n % 4 else 'no'}" for n in range(600)]
    path = tmp_path / "contracts.csv"
    path.write_text("\n".join(["contracts,left", *rows]), encoding="utf-8")
    text = card.text(inspect_table(path, Overrides("left")))
    assert "| 1 to 6 | █▁█▁█▁█▁██ |" in text
