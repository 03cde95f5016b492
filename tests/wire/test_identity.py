"""Names in several languages, and how often values come back, tell who a row is about."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlops.config import Config
from wire.columns import Column
from wire.facts import inspect_table
from wire.identity import identifies
from wire.naming import snake_case
from wire.protected import protected
from wire.roles import Overrides
from wire.write import params
from written_schemas import PRESENT


def column(original: str, *, distinct: int = 400, low: float = 0, high: float = 99_999) -> Column:
    """A column of whole numbers in a thousand rows."""
    return Column(
        snake_case(original),
        original,
        "integer",
        rows=1000,
        missing=0,
        distinct=distinct,
        top=5,
        low=low,
        high=high,
        whole=True,
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Customer No.",
            "customer_number",
            "Customer Code",
            "Cust. Nr",
            "account key",
            "order_no",
        ),
        *("Kundennummer", "KundenNr", "Kunden-Nr.", "Vertragsnummer", "Ticket Nr"),
        *("numéro client", "code_client", "id_cliente", "N° client", "código_cliente"),
        *("numero cliente", "codice_cliente", "Klantnummer", "klant nr", "numer klienta"),
        *("customer_id", "uuid", "Vertragsschlüssel"),
    ],
)
def test_a_number_that_is_given_to_somebody_is_an_id(name: str) -> None:
    assert identifies(column(name)) == "by its name, and 400 values in 1,000 rows"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "number_of_calls",
            "no_of_rooms",
            "num_clientes",
            "house_number",
            "zip_code",
            "post_code",
        ),
        *("product_code", "income", "paid", "key_figure", "amount", "model_number", "week_no"),
    ],
)
def test_a_number_that_counts_measures_or_sorts_is_no_id(name: str) -> None:
    assert identifies(column(name)) is None


def test_a_number_that_comes_back_very_often_is_no_id() -> None:
    assert identifies(column("serial_no", distinct=40)) is None
    assert identifies(column("customer_no", distinct=40)) is not None
    assert identifies(column("customer_no", distinct=5)) is None


@pytest.mark.parametrize(
    "name",
    [
        *("age", "Alter", "edad", "âge", "Età", "idade", "leeftijd", "wiek"),
        *("customer_age", "Alter in Jahren", "age_at_entry", "tranche d'âge", "Altersgruppe"),
    ],
)
def test_age_is_sensitive(name: str) -> None:
    assert protected(column(name, distinct=60, low=18, high=93)) is not None


@pytest.mark.parametrize(
    "name", ["vehicle_age", "complaint age", "ETA", "page", "average", "stage"]
)
def test_the_age_of_things_is_not_sensitive(name: str) -> None:
    assert protected(column(name, distinct=60, low=18, high=93)) is None


def test_an_age_beyond_all_lives_is_none() -> None:
    assert protected(column("age", low=0, high=900)) is None
    assert protected(column("birth_year", low=1931, high=2006)) is not None


def customers() -> pd.DataFrame:
    """Three rows of each customer."""
    rows = range(600)
    return pd.DataFrame(
        {
            "Customer No.": [7001 + row % 200 * 13 for row in rows],
            "Age": [18 + row * 7 % 60 for row in rows],
            "Spend": [row * 31 % 97 + 0.5 for row in rows],
            "Churned": ["yes" if row * 7 % 5 > 2 else "no" for row in rows],
        }
    )


def test_the_rows_of_a_repeated_number_are_kept_together(tmp_path: Path) -> None:
    customers().to_csv(tmp_path / "customers.csv", index=False)
    facts = inspect_table(tmp_path / "customers.csv", Overrides("Churned"))
    assert (facts.roles.ids, facts.roles.group) == (["customer_no"], "customer_no")
    assert (facts.roles.sensitive, facts.roles.features) == (["age"], ["spend"])
    data = Config.model_validate(yaml.safe_load(params.text(facts, PRESENT))).data
    assert (data.group, data.sensitive) == ("customer_no", ["age"])


def test_none_leaves_a_guess_out(tmp_path: Path) -> None:
    customers().to_csv(tmp_path / "customers.csv", index=False)
    overrides = Overrides("Churned", ids=("none",), sensitive=("none",))
    roles = inspect_table(tmp_path / "customers.csv", overrides).roles
    assert (roles.ids, roles.sensitive, roles.group) == ([], [], None)
    assert roles.features == ["customer_no", "age", "spend"]
