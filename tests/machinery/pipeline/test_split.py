"""The parts of the stages that a run on sound data does not reach."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.dummy import DummyClassifier, DummyRegressor

from churn_radar.config import Config
from churn_radar.contract import Feature, feature_table
from churn_radar.errors import ProjectError
from churn_radar.model import candidates
from churn_radar.pipeline import stage
from churn_radar.pipeline.evaluate import (
    calibration,
    predicted_and_observed,
)
from churn_radar.pipeline.split import divide
from churn_radar.pipeline.train import (
    cross_validate,
    one_standard_error,
)
from churn_radar.storage import load_model

ROWS = pd.DataFrame({"when": pd.date_range("2025-01-01", periods=40), "label": [0, 1] * 20})


def reading(config: Config, **data: object) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def doing(config: Config, task: str) -> Config:
    """The settings for another task, without those of a linear model that has other ones there."""
    model = config.model.model_copy(update={"linear": {}})
    return config.model_copy(update={"task": task, "model": model})


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "make data"), ("", "cannot be read"), ("a,b\n", "no rows"), ("a,b\n1\n", "cannot be")],
)
def test_a_bad_raw_file_is_refused(
    text: str | None, message: str, config: Config, tmp_path: Path
) -> None:
    path = tmp_path / config.data.raw
    path.parent.mkdir(parents=True)
    if text is not None:
        path.write_text(text)
    with pytest.raises(ProjectError, match=message):
        stage("ingest")(config, tmp_path)


def test_a_target_that_is_no_column_is_refused(config: Config, finished: Path) -> None:
    with pytest.raises(ProjectError, match=r"data\.target: chruned"):
        stage("validate")(reading(config, target="chruned"), finished)


def test_a_time_that_is_no_column_is_refused(config: Config, finished: Path) -> None:
    with pytest.raises(ProjectError, match=r"data\.time: weeks"):
        stage("validate")(reading(config, time="weeks"), finished)


def test_a_feature_without_its_column_is_refused() -> None:
    feature = Feature("age", "numeric", "team", "source", "reason")
    with pytest.raises(ProjectError, match="'age'"):
        feature_table([feature], ROWS)


@pytest.mark.parametrize("metric", ["no_such_metric", "roc_auc"])
def test_a_metric_that_does_not_fit_is_refused(
    metric: str, config: Config, labelled: tuple[pd.DataFrame, pd.Series]
) -> None:
    selection = config.selection.model_copy(update={"metric": metric})
    three = doing(config.model_copy(update={"selection": selection}), "classification")
    target = pd.Series(np.arange(len(labelled[0])) % 3, index=labelled[0].index)
    with pytest.raises(ProjectError, match="cannot be scored"):
        cross_validate(three, labelled[0], target)


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ProjectError, match="choose from ingest"):
        stage("deploy")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_are_held_out_at_random_without_time(task: str, config: Config) -> None:
    drawn = reading(config, time=None, target="label").model_copy(update={"task": task})
    train, test = divide(ROWS, drawn)
    assert len(test) == 10
    assert sorted([*train.index, *test.index]) == list(ROWS.index)


def test_the_latest_rows_are_held_out(config: Config) -> None:
    train, test = divide(ROWS, reading(config, time="when"))
    assert train["when"].max() < test["when"].min()


def test_no_group_is_on_both_sides(config: Config) -> None:
    people = ROWS.assign(person=ROWS.index // 4 % 10)
    for time in (None, "when"):
        train, test = divide(people, reading(config, time=time, group="person", target="label"))
        assert len(train)
        assert len(test)
        assert not {*train["person"]} & {*test["person"]}
    assert train["when"].max() < test["when"].min()


def test_a_class_of_one_row_is_no_obstacle(config: Config) -> None:
    lonely = ROWS.assign(label=[2, *ROWS["label"][1:]])
    drawn = reading(config, time=None, target="label")
    train, test = divide(lonely, drawn.model_copy(update={"task": "classification"}))
    assert len(train) + len(test) == len(ROWS)


def test_few_periods_can_be_split(config: Config) -> None:
    years = ROWS.assign(when=[2024] * 10 + [2025] * 30)
    assert len(divide(years, reading(config, time="when"))[1]) == 30


def test_one_moment_for_all_rows_cannot_be_split(config: Config) -> None:
    with pytest.raises(ProjectError, match="no row is later"):
        divide(ROWS.assign(when=ROWS["when"][0]), reading(config, time="when"))


def test_the_simplest_within_one_standard_error_wins() -> None:
    scores = {"baseline": [0.5, 0.5], "linear": [0.79, 0.81], "boosting": [0.80, 0.82]}
    assert one_standard_error({k: np.array(v) for k, v in scores.items()}) == "linear"
    scores["boosting"] = [0.90, 0.92]
    assert one_standard_error({k: np.array(v) for k, v in scores.items()}) == "boosting"


@pytest.mark.parametrize("labels", [[3, 5], [-1, 0, 2], ["no", "yes"], ["a", "b", "c"]], ids=str)
def test_labels_of_any_kind_come_back(
    labels: list[object], config: Config, labelled: tuple[pd.DataFrame, pd.Series]
) -> None:
    features = labelled[0].head(120)
    target = pd.Series(labels * (120 // len(labels)), index=features.index)
    for model in candidates(doing(config, "classification")).values():
        model.fit(features, target)
        assert model.classes_.tolist() == labels
        assert set(model.predict(features)) <= set(labels)
        assert model.predict_proba(features).shape == (120, len(labels))


def test_numbers_of_any_size_are_learned(
    config: Config, labelled: tuple[pd.DataFrame, pd.Series]
) -> None:
    features = labelled[0]
    first = features.iloc[:, 0]
    numeric = pd.api.types.is_numeric_dtype(first)
    target = 1e6 + 1e4 * (first.fillna(0) if numeric else first.astype("category").cat.codes)
    for name, model in candidates(doing(config, "regression")).items():
        score = model.fit(features, target).score(features, target)
        assert score > 0.9 or name == "baseline"


def test_a_category_of_many_values_becomes_few_columns(
    monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    place = Feature("place", "categorical", "team", "source", "reason")
    monkeypatch.setattr("churn_radar.model.FEATURES", (place,))
    rows = pd.DataFrame({"place": [f"place {n % 2000}" for n in range(10_000)]})
    pipeline = candidates(config)["linear"]
    assert pipeline[:-1].fit_transform(rows).shape == (10_000, 50)


def test_calibration_compares_means_in_equal_bins() -> None:
    table = calibration(np.linspace(0, 1, 100), np.linspace(0, 1, 100) > 0.5)
    assert len(table) == 10
    assert table["observed"].iloc[[0, -1]].tolist() == [0, 1]


def test_predictions_of_each_kind_become_two_numbers() -> None:
    rows, three = pd.DataFrame({"x": range(3)}), pd.Series(["a", "b", "b"])
    classes = DummyClassifier(strategy="prior").fit(rows, three)
    predicted, observed = predicted_and_observed(classes, rows, pd.Series(["a", "b", "c"]))
    assert predicted.shape == observed.shape == (3,)
    numbers = DummyRegressor().fit(rows, range(3))
    assert predicted_and_observed(numbers, rows, pd.Series(range(3)))[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("stranger", [Path("x"), np.testing.assert_equal])
def test_a_model_file_with_a_foreign_name_is_refused(stranger: object, tmp_path: Path) -> None:
    skops.io.dump({"held": stranger}, tmp_path / "model.skops")
    with pytest.raises(ProjectError, match=r"not trusted: (pathlib|numpy\.testing)\."):
        load_model(tmp_path / "model.skops")
