"""Gate `champion`: a candidate that is worse on the same rows is refused."""

from types import SimpleNamespace

from churn_radar.mlops.evaluation.scores import CachedRegressor
from churn_radar.mlops.gates import champion
from machinery.gates.known import scored


def test_the_first_model_has_no_champion(known: SimpleNamespace) -> None:
    known.champion_version = None
    assert "the first" in champion.check(known).reason


def test_a_candidate_as_good_as_the_champion_passes(known: SimpleNamespace) -> None:
    verdict = champion.check(known)
    assert verdict.status == "passed"
    assert "version 3" in verdict.reason


def test_a_candidate_worse_than_the_champion_is_refused(known: SimpleNamespace) -> None:
    known.candidate = scored(0.6)
    verdict = champion.check(known)
    assert verdict.status == "refused"
    assert verdict.value is not None
    assert verdict.threshold == -known.config.gates.champion.margin
    assert verdict.value < verdict.threshold


def test_the_champion_itself_is_refused(known: SimpleNamespace) -> None:
    known.candidate = known.champion
    assert "predicts what the champion" in champion.check(known).reason
    known.manifest = {"sha256": "champion's"}
    assert "the champion already, version 3" in champion.check(known).reason


def test_a_champion_scored_on_other_rows_is_refused(known: SimpleNamespace) -> None:
    known.champion = CachedRegressor(known.champion.predictions[:-1])
    assert "other rows" in champion.check(known).reason


def test_a_champion_that_cannot_be_scored_is_told(known: SimpleNamespace) -> None:
    known.champion = None
    assert champion.check(known).status == "inconclusive"
