"""Planted faults that the gate `slices` exists for, and noise that it lets pass."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import CachedClassifier, CachedRegressor, rows_of
from churn_radar.mlops.gates import NO_REASONS, Reasons, groups, slices
from machinery.gates.known import declared, noise

PLACES = np.repeat(["north", "south", "tiny"], [150, 450, 20])
ROWS = len(PLACES)
NORTH = PLACES == "north"
TRUTH = noise(0, ROWS)
GOOD = TRUTH + 0.5 * noise(1, ROWS)


def numbers(
    config: Config, predicted: np.ndarray, champion: np.ndarray | None = None, **bounds: object
) -> SimpleNamespace:
    """Evidence on a regression; every row is of one kind."""
    settings = declared(config, "regression", "r2", slices=bounds)
    return SimpleNamespace(
        config=settings,
        test=pd.DataFrame({"place": PLACES, "kind": "one"}),
        rows=rows_of(settings, pd.Series(TRUTH), pd.Series(TRUTH)),
        recorded={},
        reasons=NO_REASONS,
        cached_candidate=CachedRegressor(predicted),
        cached_champion=None if champion is None else CachedRegressor(champion),
    )


def test_good_slices_pass_and_the_small_one_is_told(config: Config) -> None:
    verdict = slices.slices(numbers(config, GOOD, champion=GOOD))
    assert verdict.status == "passed"
    assert "3 of 4 slices hold" in verdict.reason
    assert "place=tiny has 20 rows, fewer than 100" in verdict.reason


@pytest.mark.parametrize("ruin", ["shuffled", "upside down"])
def test_one_ruined_slice_refuses_though_the_whole_is_good(ruin: str, config: Config) -> None:
    bad = 0.5 * noise(2, ROWS) if ruin == "shuffled" else -0.5 * GOOD
    evidence = numbers(config, np.where(NORTH, bad, GOOD))
    assert evidence.rows.skill(evidence.rows.score(evidence.cached_candidate)) > 0.1
    verdict = slices.slices(evidence)
    assert verdict.status == "refused"
    assert verdict.reason.startswith("place=north has a skill score of -")
    assert "place=south" not in verdict.reason
    assert verdict.value is not None
    assert verdict.value < verdict.threshold == 0


def evidence_of_classes(config: Config, scores: np.ndarray, truth: np.ndarray) -> SimpleNamespace:
    """Evidence on two classes; every row is of one kind."""
    settings = declared(config, "classification", "roc_auc")
    likely = 1 / (1 + np.exp(-scores))
    probabilities = np.column_stack([1 - likely, likely])
    return SimpleNamespace(
        config=settings,
        test=pd.DataFrame({"place": PLACES, "kind": "one"}),
        rows=rows_of(settings, pd.Series(truth), pd.Series(truth)),
        recorded={},
        reasons=NO_REASONS,
        cached_candidate=CachedClassifier(
            (likely > 0.5).astype(int), probabilities, np.array([0, 1])
        ),
        cached_champion=None,
    )


def test_a_ruined_slice_of_classes_refuses(config: Config) -> None:
    truth = (TRUTH > 0).astype(int)
    verdict = slices.slices(
        evidence_of_classes(config, np.where(NORTH, noise(2, ROWS), GOOD), truth)
    )
    assert verdict.status == "refused"
    assert verdict.reason.startswith("place=north")


def test_a_slice_of_one_class_is_inconclusive(config: Config) -> None:
    truth = ((TRUTH > 0) | NORTH).astype(int)
    verdict = slices.slices(evidence_of_classes(config, GOOD, truth))
    assert verdict.status == "passed"
    assert "place=north leaves roc_auc undefined" in verdict.reason


def test_a_weak_model_is_not_refused_for_the_noise_of_a_slice(config: Config) -> None:
    hint = 0.1 * TRUTH + noise(2, ROWS)
    weak = hint * (hint @ TRUTH) / (hint @ hint)
    verdict = slices.slices(numbers(config, weak))
    assert verdict.status != "refused"
    assert "not shown to reach 0.0" in verdict.reason


def test_worse_than_the_champion_on_one_slice_refuses(config: Config) -> None:
    worse = np.where(NORTH, GOOD + 0.5 * noise(2, ROWS), GOOD)
    verdict = slices.slices(numbers(config, worse, champion=GOOD))
    assert verdict.status == "refused"
    assert "place=north" in verdict.reason
    assert "less than the champion's" in verdict.reason
    assert slices.slices(numbers(config, worse, champion=GOOD, margin=0.9)).status == "passed"
    assert slices.slices(numbers(config, GOOD, champion=worse)).status == "passed"


def test_slices_that_are_all_small_are_inconclusive_and_do_not_pass(config: Config) -> None:
    verdict = slices.slices(numbers(config, GOOD, min_rows=ROWS + 1))
    assert verdict.status == "inconclusive"
    assert "place=tiny has 20 rows" in verdict.reason


def test_a_critical_slice_that_is_small_refuses(config: Config) -> None:
    verdict = slices.slices(numbers(config, GOOD, critical=["place=tiny"]))
    assert (verdict.status, verdict.value) == ("refused", None)
    assert "place=tiny has 20 rows" in verdict.reason


def test_a_critical_slice_that_is_not_there_is_named_with_what_is_near(config: Config) -> None:
    with pytest.raises(ProjectError, match=r"no slice place=nord; .*place=north"):
        slices.slices(numbers(config, GOOD, critical=["place=nord"]))


def test_without_slices_nothing_passes(config: Config) -> None:
    evidence = numbers(config, GOOD)
    data = evidence.config.data.model_copy(update={"slices": [], "sensitive": []})
    evidence.config = evidence.config.model_copy(update={"data": data})
    assert slices.slices(evidence).status == "inconclusive"
    assert "no sensitive column" in groups.groups(evidence).reason


def test_many_bad_slices_are_named_in_part(config: Config) -> None:
    evidence = numbers(config, np.where(np.arange(ROWS) < 500, -GOOD, GOOD), min_rows=50)
    evidence.test["place"] = (np.arange(ROWS) // 60).astype(str)
    assert "; 5 more" in slices.slices(evidence).reason


def test_a_slice_on_which_the_champion_was_judged_must_be_there(config: Config) -> None:
    evidence = numbers(config, GOOD)
    evidence.recorded = {"slices": ["place=north", "place=west"]}
    with pytest.raises(ProjectError, match="judged on place=west, of which this test set has no"):
        slices.slices(evidence)
    retired = numbers(config, GOOD, retired={"place=west": "the branch was closed"})
    retired.recorded = evidence.recorded
    assert slices.slices(retired).status == "passed"
    silent = numbers(config, GOOD, retired={"place=west": " "})
    with pytest.raises(ProjectError, match="say why for place=west"):
        slices.slices(silent)


def test_a_slice_that_lost_much_and_may_be_at_its_floor_refuses(config: Config) -> None:
    """Its interval reaches below the floor, which alone would be inconclusive."""
    weak = TRUTH * 0.1 + noise(3, ROWS) * 0.2
    alone = slices.slices(numbers(config, weak))
    assert alone.status != "refused", alone.reason
    verdict = slices.slices(numbers(config, weak, champion=GOOD))
    assert verdict.status == "refused"
    assert "less than the champion's" in verdict.reason


def test_slices_of_another_table_are_not_asked_for(config: Config) -> None:
    """Its champion cannot be scored here, and a reason was given for that."""
    evidence = numbers(config, GOOD)
    evidence.recorded = {"slices": ["region=west"], "dataset": "another"}
    with pytest.raises(ProjectError, match="judged on region=west"):
        slices.slices(evidence)
    evidence.reasons = Reasons(uncompared="we have a table of our own now")
    assert slices.slices(evidence).status == "passed"
    # Of the same table they are asked for, with or without that reason.
    evidence.recorded = {"slices": ["region=west"], "dataset": config.data.name}
    with pytest.raises(ProjectError, match="judged on region=west"):
        slices.slices(evidence)
    # And so they are if the champion can be scored: it is of this table, whatever it is called.
    scored = numbers(config, GOOD, champion=GOOD)
    scored.recorded = {"slices": ["region=west"], "dataset": "another"}
    scored.reasons = evidence.reasons
    with pytest.raises(ProjectError, match="judged on region=west"):
        slices.slices(scored)
