"""Each real table ends green without an edit, in code that is as good as any."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.copier_runs import run_script
from real_tables import TABLES


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came out of each table."""
    return run_script(tmp_path_factory.mktemp("known_tables"), "known_tables.py", "table")


@pytest.mark.parametrize("table", [*TABLES, "nasty"])
def test_a_real_table_is_green_without_an_edit(
    table: str, outcomes: dict[str, dict[str, Any]]
) -> None:
    assert outcomes[table]["status"] == "green", outcomes[table]["reason"]
