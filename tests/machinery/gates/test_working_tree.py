"""Gate `working_tree`: what is promoted stands committed."""

from pathlib import Path

from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import working_tree
from churn_radar.mlops.promotion.evidence import Evidence


def test_what_is_not_committed_is_refused(evidence: Evidence) -> None:
    assert working_tree.check(evidence).status == "passed"
    (evidence.root / "new.txt").write_text("new\n")
    verdict = working_tree.check(evidence)
    assert (verdict.status, verdict.value) == ("refused", 1)
    assert "new.txt" in verdict.reason


def test_a_folder_that_is_no_repository_is_refused(config: Config, tmp_path: Path) -> None:
    assert working_tree.check(Evidence(config, tmp_path, None, None)).status == "refused"
