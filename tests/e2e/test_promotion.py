"""`make promote` refuses each fault by the gate that exists for it, and moves nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from e2e.bad_candidates import BAD_CANDIDATES
from e2e.copier_runs import succeed
from e2e.promotions import aliases, promote, settle, train_and_promote, verdicts
from support import commit


@pytest.mark.parametrize("fault", BAD_CANDIDATES)
def test_a_fault_is_refused_by_its_gate(fault: str, candidate_project: Path) -> None:
    bad = BAD_CANDIDATES[fault]
    bad.plant(candidate_project)
    status, refused, output = train_and_promote(
        candidate_project, bad.stages, measured=bad.measured
    )
    assert status != 0
    assert bad.gate in refused, output
    assert "Traceback" not in output
    assert aliases(candidate_project) == {"champion": 1}
    report = verdicts(candidate_project)
    assert report[bad.gate]["status"] == "refused"
    assert "Version 1 stays champion" in output
    if fault == "ruined in one region":
        assert "floor" not in refused, "the score as a whole does not show it"
        assert "region=west" in refused["slices"]


def test_the_champion_again_is_refused(candidate_project: Path) -> None:
    settle(candidate_project, model={"linear": {"C": 1.0}})
    status, refused, _ = train_and_promote(candidate_project, ["train"], measured=False)
    assert status != 0
    assert refused["champion"] == "it is the champion already, version 1"


def test_the_next_champion_and_the_way_back(candidate_project: Path) -> None:
    """A sound candidate passes every gate, and `make rollback` undoes it."""
    status, refused, output = promote(candidate_project, "WHY=less weight")
    assert (status, refused) == (0, {}), output
    newest = max(aliases(candidate_project).values())
    assert aliases(candidate_project) == {"champion": newest, "previous": 1}
    commit(candidate_project, "Promote")
    assert re.search(r"champion +skill differs|passed +champion", output)
    said = succeed(candidate_project, "make", "rollback", "WHY=complaints")
    assert "Version 1" in said
    assert aliases(candidate_project) == {"champion": 1}
    record = candidate_project / "reports" / "promotion.json"
    assert json.loads(record.read_text())["why"] == "complaints"
    champion = json.loads((candidate_project / "models" / "champion.json").read_text())
    assert (champion["version"], champion["restored"]) == (1, True)
    commit(candidate_project, "Go back")
    # What was withdrawn does not come back without a word.
    status, refused, _ = promote(candidate_project)
    assert status != 0
    assert ": complaints; AGAIN= with a reason" in refused["champion"]
    assert aliases(candidate_project) == {"champion": 1}
    status, refused, output = promote(candidate_project, "AGAIN=they were about another model")
    assert (status, refused) == (0, {}), output
    assert aliases(candidate_project) == {"champion": newest, "previous": 1}
    assert json.loads(record.read_text())["again"] == "they were about another model"
