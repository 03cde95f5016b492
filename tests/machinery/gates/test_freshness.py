"""Gate `freshness`: neither the data nor the evidence is too old."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from churn_radar.mlops.bounds import Freshness
from churn_radar.mlops.gates import data
from churn_radar.mlops.promotion.evidence import Evidence

Git = Callable[..., None]


@pytest.mark.parametrize(
    ("ahead", "what"), [(timedelta(days=8), "the evidence"), (timedelta(days=400), "the data")]
)
def test_what_is_too_old_is_refused(ahead: timedelta, what: str, evidence: Evidence) -> None:
    evidence.profile["measured_at"] = datetime.now(UTC).isoformat()
    assert data.freshness(evidence).status == "passed"
    evidence.__dict__["now"] = datetime.now(UTC) + ahead
    verdict = data.freshness(evidence)
    assert verdict.status == "refused"
    assert f"{what} is" in verdict.reason


def test_evidence_from_the_future_is_refused(evidence: Evidence) -> None:
    assert data.freshness(evidence).status == "refused"  # the fixture's is of the year 2999


def test_data_that_was_never_committed_is_refused(evidence: Evidence, git: Git) -> None:
    git("rm", "--quiet", "--cached", f"{evidence.config.data.raw}.dvc")
    git("commit", "--quiet", "--amend", "--no-verify", "--message", "Start")
    assert "never committed" in data.freshness(evidence).reason


def test_a_clone_without_its_history_is_refused(evidence: Evidence) -> None:
    (evidence.root / ".git" / "shallow").write_text(f"{evidence.commit}\n")
    assert "--unshallow" in data.freshness(evidence).reason


def allow(evidence: Evidence, days: float, time: str | None = "event_month") -> None:
    """Limit the age of the newest row."""
    fresh = Freshness(newest_row_days=days)
    gates = evidence.config.gates.model_copy(update={"freshness": fresh})
    data = evidence.config.data.model_copy(update={"time": time})
    evidence.config = evidence.config.model_copy(update={"gates": gates, "data": data})


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_rows_that_are_too_old_are_refused(zone: str | None, evidence: Evidence) -> None:
    evidence.profile["measured_at"] = datetime.now(UTC).isoformat()
    assert "the newest row is" in data.freshness(evidence).reason
    newest = pd.Timestamp.now() - pd.Timedelta(days=20)
    evidence.__dict__["test"] = evidence.test.assign(event_month=newest.tz_localize(zone))
    allow(evidence, days=30)
    assert data.freshness(evidence).status == "passed"
    allow(evidence, days=10)
    verdict = data.freshness(evidence)
    assert verdict.status == "refused"
    assert "the newest row is 20." in verdict.reason or "the newest row is 19." in verdict.reason


@pytest.mark.parametrize("time", [None, "tenure_months"])
def test_a_limit_without_dates_is_refused(time: str | None, evidence: Evidence) -> None:
    allow(evidence, days=30, time=time)
    assert "data.time names no column of dates" in data.freshness(evidence).reason


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_a_limit_that_is_none_is_not_taken(days: float) -> None:
    with pytest.raises(ValueError, match="newest_row_days"):
        Freshness(newest_row_days=days)


def test_a_row_from_the_future_is_refused_where_rows_are_limited(evidence: Evidence) -> None:
    evidence.profile["measured_at"] = datetime.now(UTC).isoformat()
    tomorrow = pd.Timestamp.now() + pd.Timedelta(days=2)
    evidence.__dict__["test"] = evidence.test.assign(event_month=tomorrow)
    allow(evidence, days=30)
    assert "the newest row is -" in data.freshness(evidence).reason
