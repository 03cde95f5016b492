"""Gate `groups`: a group that is treated much worse refuses, and noise does not."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.scores import CachedClassifier, CachedModel, CachedRegressor, Rows
from churn_radar.mlops.gates import Verdict, groups
from machinery.gates.known import declared, noise


def grouped(config: Config, task: str, model: CachedModel, truth: np.ndarray) -> Verdict:
    """The gate's verdict where half of the rows are of each kind, and a few of a third."""
    settings = declared(config, task, "accuracy")
    rows = Rows("accuracy", truth, model, np.arange(len(truth)), 0)
    kinds = np.where(np.arange(len(truth)) % 2, "a", "b")
    kinds[:9] = "c"
    test = pd.DataFrame({"kind": kinds, "place": "x"})
    return groups.groups(
        SimpleNamespace(config=settings, test=test, rows=rows, cached_candidate=model)
    )


def classes(predicted: np.ndarray, count: int) -> CachedClassifier:
    return CachedClassifier(predicted, np.eye(count)[predicted], np.arange(count))


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
    assert grouped(config, "regression", CachedRegressor(off), np.zeros(600)).status == "refused"
    even = CachedRegressor(noise(2, 600))
    assert grouped(config, "regression", even, np.zeros(600)).status == "passed"


def test_noise_between_small_groups_is_no_gap(config: Config) -> None:
    truth = np.ones(260, dtype=int)
    predicted = truth.copy()
    predicted[np.arange(260) % 8 == 1] = 0  # a quarter of one group, none of the other
    verdict = grouped(config, "classification", classes(predicted, 2), truth)
    assert verdict.status == "passed"
    assert "0.25" in verdict.reason
