"""A handful of hostile but plausible tables: refused with one sentence, or green to the end."""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.copier_runs import run

SCRIPT = Path(__file__).parent.with_name("hostile_tables.py")


def test_a_hostile_table_is_refused_in_a_sentence_or_ends_green(tmp_path: Path) -> None:
    status, output = run(tmp_path, sys.executable, str(SCRIPT), "4", "7")
    assert status == 0, output
    assert "'green'" in output.splitlines()[-1], "none came through: the tables are too hostile"
