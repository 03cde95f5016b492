"""Planted faults that the gates of slices and groups exist for, and noise that they let pass."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from churn_radar.config import Config
from churn_radar.errors import ProjectError
from churn_radar.evaluation.scores import (
    Classes,
    Numbers,
    Remembered,
    Rows,
    rows_of,
)
from churn_radar.gates import Verdict, groups, slices
from churn_radar.practices import Gates

PLACES = np.repeat(["north", "south", "tiny"], [150, 450, 20])
ROWS = len(PLACES)
NORTH = PLACES == "north"


def noise(seed: int, rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


TRUTH = noise(0)
GOOD = TRUTH + 0.5 * noise(1)


def declared(config: Config, task: str, metric: str, **bounds: object) -> Config:
    """Settings for a table with one column of slices and one that is sensitive."""
    data = {"slices": ["place"], "sensitive": ["kind"]}
    changed = {
        "task": task,
        "data": config.data.model_copy(update=data),
        "selection": config.selection.model_copy(update={"metric": metric}),
        "gates": Gates.model_validate(bounds),
    }
    return config.model_copy(update=changed)


def numbers(
    config: Config, predicted: np.ndarray, champion: np.ndarray | None = None, **bounds: object
) -> SimpleNamespace:
    """Evidence on a regression; every row is of one kind."""
    settings = declared(config, "regression", "r2", slices=bounds)
    return SimpleNamespace(
        config=settings,
        test=pd.DataFrame({"place": PLACES, "kind": "one"}),
        rows=rows_of(settings, pd.Series(TRUTH), pd.Series(TRUTH)),
        candidate=Numbers(predicted),
        champion=None if champion is None else Numbers(champion),
    )


def test_good_slices_pass_and_the_small_one_is_told(config: Config) -> None:
    verdict = slices.check(numbers(config, GOOD, champion=GOOD))
    assert verdict.status == "passed"
    assert "3 of 4 slices hold" in verdict.reason
    assert "place=tiny has 20 rows, fewer than 100" in verdict.reason


@pytest.mark.parametrize("ruin", ["shuffled", "upside down"])
def test_one_ruined_slice_refuses_though_the_whole_is_good(ruin: str, config: Config) -> None:
    bad = 0.5 * noise(2) if ruin == "shuffled" else -0.5 * GOOD
    evidence = numbers(config, np.where(NORTH, bad, GOOD))
    assert evidence.rows.skill(evidence.rows.score(evidence.candidate)) > 0.1
    verdict = slices.check(evidence)
    assert verdict.status == "refused"
    assert verdict.reason.startswith("place=north has skill -")
    assert "place=south" not in verdict.reason
    assert verdict.figure is not None
    assert verdict.figure < verdict.bound == 0


def labelled(config: Config, scores: np.ndarray, truth: np.ndarray) -> SimpleNamespace:
    """Evidence on two classes; every row is of one kind."""
    settings = declared(config, "classification", "roc_auc")
    likely = 1 / (1 + np.exp(-scores))
    chances = np.column_stack([1 - likely, likely])
    return SimpleNamespace(
        config=settings,
        test=pd.DataFrame({"place": PLACES, "kind": "one"}),
        rows=rows_of(settings, pd.Series(truth), pd.Series(truth)),
        candidate=Classes((likely > 0.5).astype(int), chances, np.array([0, 1])),
        champion=None,
    )


def test_a_ruined_slice_of_classes_refuses(config: Config) -> None:
    truth = (TRUTH > 0).astype(int)
    verdict = slices.check(labelled(config, np.where(NORTH, noise(2), GOOD), truth))
    assert verdict.status == "refused"
    assert verdict.reason.startswith("place=north")


def test_a_slice_of_one_class_is_inconclusive(config: Config) -> None:
    truth = ((TRUTH > 0) | NORTH).astype(int)
    verdict = slices.check(labelled(config, GOOD, truth))
    assert verdict.status == "passed"
    assert "place=north leaves roc_auc undefined" in verdict.reason


def test_a_weak_model_is_not_refused_for_the_noise_of_a_slice(config: Config) -> None:
    hint = 0.1 * TRUTH + noise(2)
    weak = hint * (hint @ TRUTH) / (hint @ hint)
    verdict = slices.check(numbers(config, weak))
    assert verdict.status != "refused"
    assert "not shown to reach 0.0" in verdict.reason


def test_worse_than_the_champion_on_one_slice_refuses(config: Config) -> None:
    worse = np.where(NORTH, GOOD + 0.5 * noise(2), GOOD)
    verdict = slices.check(numbers(config, worse, champion=GOOD))
    assert verdict.status == "refused"
    assert "place=north" in verdict.reason
    assert "less than the champion's" in verdict.reason
    assert slices.check(numbers(config, worse, champion=GOOD, margin=0.9)).status == "passed"
    assert slices.check(numbers(config, GOOD, champion=worse)).status == "passed"


def test_slices_that_are_all_small_are_inconclusive_and_do_not_pass(config: Config) -> None:
    verdict = slices.check(numbers(config, GOOD, min_rows=ROWS + 1))
    assert verdict.status == "inconclusive"
    assert "place=tiny has 20 rows" in verdict.reason


def test_a_critical_slice_that_is_small_refuses(config: Config) -> None:
    verdict = slices.check(numbers(config, GOOD, critical=["place=tiny"]))
    assert verdict.status == "refused"
    assert "place=tiny has 20 rows" in verdict.reason


def test_a_critical_slice_that_is_not_there_is_named_with_what_is_near(config: Config) -> None:
    with pytest.raises(ProjectError, match=r"no slice place=nord; .*place=north"):
        slices.check(numbers(config, GOOD, critical=["place=nord"]))


def test_without_slices_nothing_passes(config: Config) -> None:
    evidence = numbers(config, GOOD)
    data = evidence.config.data.model_copy(update={"slices": [], "sensitive": []})
    evidence.config = evidence.config.model_copy(update={"data": data})
    assert slices.check(evidence).status == "inconclusive"
    assert "no sensitive column" in groups.check(evidence).reason


def test_many_bad_slices_are_named_in_part(config: Config) -> None:
    evidence = numbers(config, np.where(np.arange(ROWS) < 500, -GOOD, GOOD), min_rows=50)
    evidence.test["place"] = (np.arange(ROWS) // 60).astype(str)
    assert "; 5 more" in slices.check(evidence).reason


def grouped(config: Config, task: str, model: Remembered, truth: np.ndarray) -> Verdict:
    """The gate's verdict where half of the rows are of each kind, and a few of a third."""
    settings = declared(config, task, "accuracy")
    rows = Rows("accuracy", truth, model, np.arange(len(truth)), 0)
    kinds = np.where(np.arange(len(truth)) % 2, "a", "b")
    kinds[:9] = "c"
    test = pd.DataFrame({"kind": kinds, "place": "x"})
    return groups.check(SimpleNamespace(config=settings, test=test, rows=rows, candidate=model))


def classes(predicted: np.ndarray, count: int) -> Classes:
    return Classes(predicted, np.eye(count)[predicted], np.arange(count))


def test_an_interval_is_as_wide_as_theory_says() -> None:
    truth = np.arange(400) % 2
    right_in_four_of_five = classes(np.where(np.arange(400) % 5, truth, 1 - truth), 2)
    rows = Rows("accuracy", truth, classes(np.zeros(400, int), 2), np.arange(400), 0)
    skill, low, high = rows.estimate(right_in_four_of_five)
    assert skill == pytest.approx(0.6)  # from 0.5 to 0.8
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400) / 0.5
    assert (skill - low, high - skill) == pytest.approx((half, half), rel=0.3)
    assert rows.advantage(right_in_four_of_five, right_in_four_of_five) == (0, 0, 0)
    perfect = rows.estimate(classes(truth, 2))
    assert perfect == (1, 1, 1)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("rows", [600, 60])
def test_a_group_that_is_missed_refuses_if_it_is_large(
    count: int, rows: int, config: Config
) -> None:
    truth = np.arange(rows) // 2 % count
    predicted = np.where((np.arange(rows) % 2 == 1) & (np.arange(rows) % 3 > 0), 0, truth)
    fair = grouped(config, "classification", classes(truth, count), truth)
    unfair = grouped(config, "classification", classes(predicted, count), truth)
    if rows < 100:
        assert (fair.status, unfair.status) == ("inconclusive", "inconclusive")
        assert "inconclusive for kind" in unfair.reason
    else:
        assert (fair.status, unfair.status) == ("passed", "refused")
        assert ("false negative rate" if count == 2 else "accuracy") in unfair.reason
        assert "of kind" in unfair.reason


def test_a_group_whose_numbers_are_further_off_refuses(config: Config) -> None:
    off = noise(2, 600) * np.where(np.arange(600) % 2, 1, 3)
    assert grouped(config, "regression", Numbers(off), np.zeros(600)).status == "refused"
    even = Numbers(noise(2, 600))
    assert grouped(config, "regression", even, np.zeros(600)).status == "passed"


def test_noise_between_small_groups_is_no_gap(config: Config) -> None:
    truth = np.ones(260, dtype=int)
    predicted = truth.copy()
    predicted[np.arange(260) % 8 == 1] = 0  # a quarter of one group, none of the other
    verdict = grouped(config, "classification", classes(predicted, 2), truth)
    assert verdict.status == "passed"
    assert "0.25" in verdict.reason
