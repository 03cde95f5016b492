"""Gate `freshness`: neither the data nor the evidence is too old."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from churn_radar.mlops.gates import freshness
from churn_radar.mlops.promotion.evidence import Evidence

Git = Callable[..., None]


@pytest.mark.parametrize(
    ("ahead", "what"), [(timedelta(days=8), "the evidence"), (timedelta(days=400), "the data")]
)
def test_what_is_too_old_is_refused(ahead: timedelta, what: str, evidence: Evidence) -> None:
    evidence.profile["measured_at"] = datetime.now(UTC).isoformat()
    assert freshness.check(evidence).status == "passed"
    evidence.__dict__["now"] = datetime.now(UTC) + ahead
    verdict = freshness.check(evidence)
    assert verdict.status == "refused"
    assert f"{what} is" in verdict.reason


def test_evidence_from_the_future_is_refused(evidence: Evidence) -> None:
    assert freshness.check(evidence).status == "refused"  # the fixture's is of the year 2999


def test_data_that_was_never_committed_is_refused(evidence: Evidence, git: Git) -> None:
    git("rm", "--quiet", "--cached", f"{evidence.config.data.raw}.dvc")
    git("commit", "--quiet", "--amend", "--no-verify", "--message", "Start")
    assert "never committed" in freshness.check(evidence).reason


def test_a_clone_without_its_history_is_refused(evidence: Evidence) -> None:
    (evidence.root / ".git" / "shallow").write_text(f"{evidence.commit}\n")
    assert "--unshallow" in freshness.check(evidence).reason
