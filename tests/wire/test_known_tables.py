"""A real table of each kind ends green without an edit, in code that is as good as any.

`make tables` runs all of them.
"""

from __future__ import annotations

from typing import Any

import pytest
from e2e.copier_runs import run_script

KINDS = {
    "eights": "two classes, of which one is rare",
    "penguins": "three classes, in the order of years",
    "diabetes": "a number",
    "modechoice": "several rows of each person",
    "elnino": "a time series",
    "linnerud": "twenty rows",
    "strikes": "one column beside the target",
}
"""Two classes that any feature tells, and a file that is hard to read, become whole projects in
test_frameworks.py and test_wire.py.
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came out of each table."""
    folder = tmp_path_factory.mktemp("known_tables")
    return run_script(folder, "known_tables.py", "table", *KINDS)


@pytest.mark.parametrize("table", KINDS)
def test_a_real_table_is_green_without_an_edit(
    table: str, outcomes: dict[str, dict[str, Any]]
) -> None:
    assert outcomes[table]["status"] == "green", outcomes[table]["reason"]
