"""Floor and champion, on numbers whose answer is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from churn_radar.config import Config
from churn_radar.evaluation.scores import Numbers, Rows, rows_of
from churn_radar.gates import champion, floor
from churn_radar.tracking import Version

TRUTH = np.random.default_rng(1).normal(size=400)


def scored(config: Config, noise: float, seed: int = 2) -> Numbers:
    return Numbers(TRUTH + noise * np.random.default_rng(seed).normal(size=400))


@pytest.fixture
def known(config: Config) -> SimpleNamespace:
    """Evidence of a good regressor: the noise in its predictions is a tenth of the target's."""
    selection = config.selection.model_copy(update={"metric": "r2"})
    regression = config.model_copy(update={"task": "regression", "selection": selection})
    truth = pd.Series(TRUTH)
    rows = rows_of(regression, truth, truth)
    version = Version(3, {"sha256": "champion's"}, "run", "source")
    return SimpleNamespace(
        config=regression,
        rows=rows,
        passport={"sha256": "candidate's"},
        champion_version=version,
        champion=scored(config, 0.1, 5),
        candidate=scored(config, 0.1),
        measured={"r2": 0.9, "r2_low": 0.88, "r2_high": 0.92},
    )


def test_the_floor_holds_for_the_lower_end(known: SimpleNamespace) -> None:
    assert floor.check(known).status == "passed"
    known.measured["r2_low"] = -0.1
    verdict = floor.check(known)
    assert verdict.status == "refused"
    assert verdict.figure == pytest.approx(-0.1, abs=0.01)
    known.measured["r2_low"] = float("nan")
    assert floor.check(known).status == "refused"


def test_the_first_model_has_no_champion(known: SimpleNamespace) -> None:
    known.champion_version = None
    assert "the first" in champion.check(known).reason


def test_a_candidate_as_good_as_the_champion_passes(known: SimpleNamespace) -> None:
    verdict = champion.check(known)
    assert verdict.status == "passed"
    assert "version 3" in verdict.reason


def test_a_candidate_worse_than_the_champion_is_refused(known: SimpleNamespace) -> None:
    known.candidate = scored(known.config, 0.6)
    verdict = champion.check(known)
    assert verdict.status == "refused"
    assert verdict.figure is not None
    assert verdict.bound == -known.config.gates.champion.margin
    assert verdict.figure < verdict.bound


def test_the_champion_itself_is_refused(known: SimpleNamespace) -> None:
    known.candidate = known.champion
    assert "predicts what the champion" in champion.check(known).reason
    known.passport = {"sha256": "champion's"}
    assert "the champion already, version 3" in champion.check(known).reason


def test_a_champion_scored_on_other_rows_is_refused(known: SimpleNamespace) -> None:
    known.champion = Numbers(known.champion.predictions[:-1])
    assert "other rows" in champion.check(known).reason


def test_a_champion_that_cannot_be_scored_is_told(known: SimpleNamespace) -> None:
    known.champion = None
    assert champion.check(known).status == "inconclusive"


def test_a_perfect_trivial_model_leaves_no_skill(known: SimpleNamespace) -> None:
    same = replace(known.rows, truth=np.ones(400), trivial=Numbers(np.ones(400)))
    assert np.isnan(Rows.skill(same, 1.0))
