"""Candidates are compared in the same folds, and the simplest that is good enough is taken."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.selection import cross_validate, folds, one_standard_error


def doing(config: Config, task: str) -> Config:
    """The settings for another task, without those of a linear model that has other ones there."""
    model = config.model.model_copy(update={"linear": {}})
    return config.model_copy(update={"task": task, "model": model})


@pytest.mark.parametrize("metric", ["no_such_metric", "roc_auc"])
def test_a_metric_that_does_not_fit_is_refused(
    metric: str, config: Config, labelled: tuple[pd.DataFrame, pd.Series]
) -> None:
    selection = config.selection.model_copy(update={"metric": metric})
    three = doing(config.model_copy(update={"selection": selection}), "classification")
    target = pd.Series(np.arange(len(labelled[0])) % 3, index=labelled[0].index)
    with pytest.raises(ProjectError, match="cannot be scored"):
        cross_validate(three, labelled[0], target)


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_a_class_that_a_fold_lacks_is_one_sentence(
    config: Config, labelled: tuple[pd.DataFrame, pd.Series]
) -> None:
    features, _ = labelled
    rare = pd.Series(0, index=features.index)
    # One row fewer than there are folds.
    rare.iloc[: config.selection.folds - 1] = 1
    with pytest.raises(ProjectError, match="is undefined in a fold, since a class is missing"):
        cross_validate(config, features, rare)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (None, r"^selection\.folds: lower it, .* into 5 folds: .*n_splits=5"),
        (pd.Series([1, 1, 2, 2]), r"^selection\.folds: lower it, since 2 groups"),
        (pd.Series([1, 2, 3, None]), r"^data\.group: rows with gaps .* leave data\.group out$"),
        (pd.Series(["a", "b", "c", pd.NA]), r"^data\.group: rows with gaps"),
    ],
)
def test_rows_that_cannot_be_divided_are_one_sentence(
    task: str, groups: pd.Series | None, said: str, config: Config
) -> None:
    selection = config.selection.model_copy(update={"folds": 5})
    five = doing(config.model_copy(update={"selection": selection}), task)
    with pytest.raises(ProjectError, match=said):
        folds(five, pd.Series([0, 1, 0, 1]), groups)


def test_too_many_folds_are_a_fault_of_the_setting_that_asked(config: Config) -> None:
    with pytest.raises(ProjectError, match=r"^tuning\.folds: lower it"):
        folds(config, pd.Series([0, 1, 0, 1]), None, 9)


def test_the_simplest_within_one_standard_error_wins() -> None:
    scores = {"baseline": [0.5, 0.5], "linear": [0.79, 0.81], "boosting": [0.80, 0.82]}
    assert one_standard_error({k: np.array(v) for k, v in scores.items()}) == "linear"
    scores["boosting"] = [0.90, 0.92]
    assert one_standard_error({k: np.array(v) for k, v in scores.items()}) == "boosting"


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_no_group_is_in_two_folds(task: str, config: Config) -> None:
    target = pd.Series([0, 1] * 30)
    groups = pd.Series(range(60)) // 5
    for train, left_out in folds(doing(config, task), target, groups, 4):
        assert not {*groups[train]} & {*groups[left_out]}
