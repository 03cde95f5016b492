"""Each real table ends green without an edit, in code that is as good as any."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from e2e.copier_runs import run
from real_tables import TABLES

SCRIPT = Path(__file__).parent.with_name("known_tables.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What came out of each table."""
    folder = tmp_path_factory.mktemp("known_tables")
    _, output = run(folder, sys.executable, "-W", "ignore", str(SCRIPT))
    lines = [line for line in output.splitlines() if line.startswith("{")]
    found = {facts["table"]: facts for facts in map(json.loads, lines)}
    assert found, output
    return found


@pytest.mark.parametrize("table", [*TABLES, "nasty"])
def test_a_real_table_is_green_without_an_edit(
    table: str, outcomes: dict[str, dict[str, str]]
) -> None:
    assert outcomes[table]["status"] == "green", outcomes[table]["reason"]
