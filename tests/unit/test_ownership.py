"""One table says who owns a path; the page and copier.yml say the same."""

from __future__ import annotations

import ownership
import pytest
import yaml
from support import ROOT


def test_page_is_current() -> None:
    page = ownership.TARGET.read_text(encoding="utf-8")
    assert page == ownership.page(), "run `python tools/ownership.py`"


def test_update_renders_nothing_that_the_team_owns() -> None:
    settings = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    first, *excluded, last = settings["_exclude"][0].splitlines()
    assert first == '{% if _copier_operation == "update" %}'
    assert excluded == ownership.patterns("team")
    assert last == "{% endif %}"


def test_table_knows_no_other_owners() -> None:
    assert {owner for _, owner in ownership.TABLE} == ownership.OWNERS.keys()


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("src/churn/model.py", ["team"]),
        ("src/churn/own_module.py", ["team"]),
        ("src/churn/own/room.py", []),
        ("src/churn/mlops/team.py", ["template"]),
        ("src/churn/mlops/pipeline/train.py", ["template"]),
        ("src/churn/mlops/pipeline/model.py", ["template"]),
        ("tests/data/test_schemas.py", ["team"]),
        ("tests/conftest.py", ["team"]),
        ("docs/adr/0002-warehouse.md", ["team"]),
        ("pyproject.toml", ["shared"]),
        ("sub/pyproject.toml", []),
        ("uv.lock", ["tools"]),
    ],
)
def test_owner_of_a_path(path: str, owners: list[str]) -> None:
    assert ownership.owners(path) == owners
