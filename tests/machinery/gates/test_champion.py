"""Gate `champion`: a candidate that is worse on the same rows is refused."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from churn_radar.mlops.evaluation.scores import CachedRegressor
from churn_radar.mlops.gates import Reasons, champion
from machinery.gates.known import scored


def test_the_first_model_has_no_champion(known: SimpleNamespace) -> None:
    known.champion_version = None
    assert "the first" in champion.champion(known).reason


def test_a_candidate_as_good_as_the_champion_passes(known: SimpleNamespace) -> None:
    verdict = champion.champion(known)
    assert verdict.status == "passed"
    assert "version 3" in verdict.reason


def test_a_candidate_worse_than_the_champion_is_refused(known: SimpleNamespace) -> None:
    known.cached_candidate = scored(0.6)
    verdict = champion.champion(known)
    assert verdict.status == "refused"
    assert verdict.value is not None
    assert verdict.threshold == -known.config.gates.champion.margin
    assert verdict.value < verdict.threshold


def slightly_worse(known: SimpleNamespace) -> None:
    """Worse by less than the margin, and surely so: nearly the champion, with an offset."""
    known.cached_candidate = CachedRegressor(known.cached_champion.predictions + 0.05)


def test_a_candidate_that_is_surely_worse_is_refused_however_little(
    known: SimpleNamespace,
) -> None:
    slightly_worse(known)
    verdict = champion.champion(known)
    assert verdict.status == "refused"
    assert verdict.value > verdict.threshold
    assert "so it is worse; ACCEPT_WORSE=" in verdict.reason


def test_losses_that_add_up_are_refused(known: SimpleNamespace) -> None:
    known.behind_best = 0.03
    verdict = champion.champion(known)
    assert verdict.status == "refused"
    assert "it is 0.030 behind the best of them" in verdict.reason


@pytest.mark.parametrize("worse", ["surely", "in sum", "by more than the margin"])
def test_a_worse_candidate_is_accepted_for_a_reason(worse: str, known: SimpleNamespace) -> None:
    if worse == "surely":
        slightly_worse(known)
    elif worse == "in sum":
        known.behind_best = 0.03
    else:
        known.cached_candidate = scored(0.6)
    known.reasons = Reasons(accept_worse="cheaper by half")
    verdict = champion.champion(known)
    assert verdict.status == "inconclusive"
    assert "accepted: cheaper by half" in verdict.reason


def test_a_withdrawn_version_needs_a_reason(known: SimpleNamespace) -> None:
    record = {"who": "Ada", "when": "2026-11-26T10:00:00+00:00", "why": "complaints"}
    tags = {"withdrawn": json.dumps(record)}
    known.candidate_version = replace(known.candidate_version, tags=tags)
    verdict = champion.champion(known)
    assert verdict.status == "refused"
    assert "withdrawn by Ada at 2026-11-26T10:00:00+00:00: complaints" in verdict.reason
    known.reasons = Reasons(again="the complaints were about another model")
    assert champion.champion(known).status == "passed"


def test_the_champion_itself_is_refused(known: SimpleNamespace) -> None:
    known.cached_candidate = known.cached_champion
    assert "predicts what the champion" in champion.champion(known).reason
    known.candidate_version = known.champion_version
    assert "the champion already, version 3" in champion.champion(known).reason


def test_a_champion_scored_on_other_rows_is_refused(known: SimpleNamespace) -> None:
    known.cached_champion = CachedRegressor(known.cached_champion.predictions[:-1])
    assert "other rows" in champion.champion(known).reason


def test_a_champion_that_cannot_be_scored_is_told(known: SimpleNamespace) -> None:
    known.cached_champion = None
    assert champion.champion(known).status == "inconclusive"
