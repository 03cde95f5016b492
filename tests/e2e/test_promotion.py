"""`make promote` refuses each fault by the gate that exists for it, and moves nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from e2e.bad_candidates import BAD_EVIDENCE, BAD_MODELS
from e2e.copier_runs import run, run_script, succeed
from e2e.promotions import (
    GATES,
    aliases,
    promote,
    promote_measured,
    verdicts,
)
from machinery.serving import known
from support import commit, git

# One process makes the project that these tests share: it takes minutes.
pytestmark = pytest.mark.xdist_group("promoted_project")


@pytest.mark.parametrize("fault", BAD_EVIDENCE)
def test_evidence_with_a_fault_is_refused_by_its_gate(fault: str, candidate_project: Path) -> None:
    bad = BAD_EVIDENCE[fault]
    bad.plant(candidate_project)
    status, refused, output = promote_measured(candidate_project, measured=bad.measured)
    assert status != 0
    assert refused.keys() == {bad.gate}, output
    assert "Traceback" not in output
    assert aliases(candidate_project) == {"champion": 1}
    report = verdicts(candidate_project)
    assert report.keys() == GATES
    judged = {name for name, verdict in report.items() if verdict["status"] != "not judged"}
    if bad.gate in ("artifact", "working_tree", "provenance"):
        assert not judged & {"freshness", "schema", "champion", "groups"}
        assert "gates did not judge, since that comes first" in output
    assert "Version 1 stays champion" in output


@pytest.fixture(scope="module")
def judged_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the gates said of each model."""
    return run_script(tmp_path_factory.mktemp("judged_models"), "judged_models.py", "model")


@pytest.mark.parametrize("fault", BAD_MODELS)
def test_a_model_with_a_fault_is_refused_by_its_gate(
    fault: str, judged_models: dict[str, dict[str, Any]]
) -> None:
    facts = judged_models[fault]
    refused = facts["refused"]
    assert BAD_MODELS[fault].gate in refused, refused
    assert not [reason for reason in refused.values() if "it broke" in reason], refused
    assert facts["aliases"] == {"champion": 1}
    if fault == "ruined in one region":
        assert "floor" not in refused, "the score as a whole does not show it"
        assert "region=west" in refused["slices"]


def test_a_sound_model_is_promoted(judged_models: dict[str, dict[str, Any]]) -> None:
    facts = judged_models["sound"]
    assert facts["refused"] == {}
    assert facts["aliases"] == {"champion": 2, "previous": 1}


def test_the_champion_again_is_refused(candidate_project: Path) -> None:
    # Its settings and reports, which git keeps, and its files, which DVC keeps.
    kept = ("params.yaml", "dvc.lock", "reports", "docs")
    git(candidate_project, "checkout", "--quiet", "HEAD~1", "--", *kept)
    succeed(candidate_project, "uv", "run", "--no-sync", "dvc", "checkout", "--quiet", "--force")
    commit(candidate_project, "Back to the champion")
    status, refused, _ = promote_measured(candidate_project, measured=False)
    assert status != 0
    assert refused["champion"] == "it is the champion already, version 1"


def test_what_is_not_verified_is_not_promoted(candidate_project: Path) -> None:
    (candidate_project / "tests" / "test_planted.py").write_text(
        "def test_that_fails() -> None:\n    assert False\n"
    )
    commit(candidate_project, "Break a test")
    status, output = run(candidate_project, "make", "promote", "WHY=a try")
    assert status != 0
    assert "test_that_fails" in output
    assert "what is not verified is not promoted: fix it" in output
    assert aliases(candidate_project) == {"champion": 1}


def test_the_next_champion_and_the_way_back(candidate_project: Path, tmp_path: Path) -> None:
    """A sound candidate passes every gate, and `make rollback` undoes it."""
    status, refused, output = promote(candidate_project, "WHY=less weight")
    assert (status, refused) == (0, {}), output
    newest = max(aliases(candidate_project).values())
    assert aliases(candidate_project) == {"champion": newest, "previous": 1}
    commit(candidate_project, "Promote")
    assert re.search(r"champion +skill differs|passed +champion", output)
    rows = json.loads((candidate_project / "models" / "golden.json").read_text())["rows"]
    command = [str(candidate_project / ".venv" / "bin" / "churn-radar"), "serve"]
    log = tmp_path / "serve.log"
    # Nobody who asks meanwhile notices more than another version.
    with (
        known.serving(candidate_project, command, log, PYTHONPATH="") as server,
        known.Load(server, rows, n_clients=2, pause=known.PAUSE) as load,
    ):
        assert server.version() == newest
        said = succeed(candidate_project, "make", "rollback", "WHY=complaints")
        server.wait_for_version(1)
    assert load.failures == []
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
