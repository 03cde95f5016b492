"""`make promote` refuses each fault by the gate that exists for it, and moves nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from e2e.contested import EVIDENCE, MODELS, learn
from e2e.market import aliases, measured_as_before, promote, settle, verdicts
from e2e.real import succeed

MEASURED = {
    "held-out rows learned",
    "another model in each process",
    "measures edited",
    "old evidence",
}
"""Faults that are in the measures, or show when they are taken."""


@pytest.mark.parametrize("fault", [*MODELS, *EVIDENCE])
def test_a_fault_is_refused_by_its_gate(fault: str, contest: Path) -> None:
    gate, plant = (MODELS | EVIDENCE)[fault]
    plant(contest)
    if fault not in MEASURED:
        measured_as_before(contest)
    status, refused, output = promote(contest)
    assert status != 0
    assert gate in refused, output
    assert "Traceback" not in output
    assert aliases(contest) == {"champion": 1}
    report = verdicts(contest)
    assert report[gate]["status"] == "refused"
    assert "Version 1 stays champion" in output
    if fault == "ruined in one region":
        assert "floor" not in refused, "the score as a whole does not show it"
        assert "region=west" in refused["slices"]


def test_the_champion_again_is_refused(contest: Path) -> None:
    settle(contest, model={"linear": {"C": 1.0}})
    learn(contest)
    measured_as_before(contest)
    status, refused, _ = promote(contest)
    assert status != 0
    assert refused["champion"] == "it is the champion already, version 1"


def test_the_next_champion_and_the_way_back(contest: Path) -> None:
    """A sound candidate passes every gate, and `make rollback` undoes it."""
    status, refused, output = promote(contest, "WHY=less weight")
    assert (status, refused) == (0, {}), output
    newest = max(aliases(contest).values())
    assert aliases(contest) == {"champion": newest, "previous": 1}
    assert re.search(r"champion +skill differs|passed +champion", output)
    said = succeed(contest, "make", "rollback", "WHY=complaints")
    assert "Version 1" in said
    assert aliases(contest) == {"champion": 1}
    assert json.loads((contest / "reports" / "promotion.json").read_text())["why"] == "complaints"
