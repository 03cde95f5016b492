"""What predictions come to in use: ranking, threshold, costs, intervals, and what drives them."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.bounds import Costs
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation import curves, drivers
from churn_radar.mlops.evaluation.scores import rows_of
from churn_radar.mlops.evaluation.slices import period_table
from machinery.evaluation.known import ROWS, declared, predictions
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

RNG = np.random.default_rng(3)


def test_the_threshold_of_the_costs_is_the_cheapest_where_probabilities_come_true() -> None:
    probability = RNG.random(20_000)
    is_positive = RNG.random(20_000) < probability
    costs = Costs(false_positive=1, false_negative=4)
    found = curves.decision(is_positive, probability, costs)
    assert found["threshold"] == pytest.approx(0.2)
    named = found["true_positives"] + found["false_positives"]
    assert named == int((probability >= 0.2).sum())
    for other in (0.1, 0.35, 0.5):
        # A threshold that other costs would give, with the errors still paid as these say.
        at_other = curves.decision(
            is_positive, probability, Costs(false_positive=other, false_negative=1 - other)
        )
        paid = (at_other["false_positives"] + 4 * at_other["false_negatives"]) / 20
        assert found["cost"] < paid
    assert found["cost"] < min(found["cost_of_none"], found["cost_of_all"])


def test_the_rows_with_the_highest_probability_are_told_with_wilsons_interval() -> None:
    is_positive = np.arange(200) < 20
    found = curves.top_rows(is_positive, np.linspace(1, 0, 200))
    by_share = {line["share"]: line for line in found}
    # One per cent of 200 rows is two, of which nothing can be said.
    assert list(by_share) == [0.05, 0.1, 0.2, 0.5]
    assert by_share[0.1]["precision"] == by_share[0.1]["recall"] == 1
    assert by_share[0.1]["precision_low"] == pytest.approx(20 / (20 + 1.96**2), abs=1e-3)
    assert by_share[0.1]["lift"] == pytest.approx(10)
    assert by_share[0.2]["precision"] == pytest.approx(0.5)


def test_prediction_intervals_cover_new_rows_as_often_as_they_say() -> None:
    errors = RNG.normal(size=6_000)
    for line in curves.prediction_intervals(errors[:3_000], np.zeros(3_000)):
        covered = (np.abs(errors[3_000:]) <= line["half_width"]).mean()
        assert covered == pytest.approx(line["level"], abs=0.03)
    assert [line["level"] for line in curves.prediction_intervals(errors[:10], np.zeros(10))] == [
        0.5,
        0.8,
        0.9,
    ]


def test_each_month_has_its_score(config: Config) -> None:
    settings = declared(config, "classification", "accuracy")
    test, truth, model = predictions(settings)
    days = ["2025-01-03"] * 395 + ["2025-02-20"] * (ROWS - 395)
    test[settings.data.time] = pd.to_datetime(days)
    table = period_table(settings, test, rows_of(settings, truth, truth), model)
    assert table["period"].tolist() == ["2025-01", "2025-02"]
    assert table["rows"].tolist() == [395, 5]
    assert table["status"].tolist() == ["ok", "inconclusive"]
    untimed = settings.model_copy(update={"data": settings.data.model_copy(update={"time": None})})
    assert period_table(untimed, test, rows_of(settings, truth, truth), model).empty


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_what_drives_a_model_comes_first_and_what_it_ignores_costs_nothing(
    task: str, config: Config
) -> None:
    table = pd.DataFrame(RNG.normal(size=(600, 3)), columns=["much", "little", "none"])
    table["none"] = RNG.integers(0, 5, 600)
    target = 3 * table["much"] + table["little"] + RNG.normal(size=600)
    metric, estimator = "r2", LinearRegression()
    if task == "classification":
        target = (target > 0).astype(int)
        metric, estimator = "roc_auc", LogisticRegression()
    settings = declared(config, task, metric)
    model = make_pipeline(estimator).fit(table, target)
    worth = {name: {"importance": place} for place, name in enumerate(table)}
    found = drivers.importances(settings, model, table, (target, target), worth)
    assert [line["feature"] for line in found] == ["much", "little", "none"]
    much, little, none = found
    assert much["low"] > little["high"] > little["low"] > 0
    assert none["low"] < 0.01
    rising, flat = drivers.dependence(settings, model, table, ["much", "none"])
    assert np.diff(rising["means"][0]).min() > 0
    assert rising["values"][0] == pytest.approx(np.percentile(table["much"], 5), abs=1e-5)
    assert np.ptp(flat["means"][0]) < np.ptp(rising["means"][0]) / 10
