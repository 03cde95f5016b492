"""Stage `split`: which rows are held out."""

import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline.split import divide

ROWS = pd.DataFrame({"when": pd.date_range("2025-01-01", periods=40), "label": [0, 1] * 20})


def reading(config: Config, **data: object) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


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


def test_an_id_that_repeats_is_on_one_side(config: Config) -> None:
    people = ROWS.assign(order=ROWS.index, person=ROWS.index // 4 % 10)
    for time in (None, "when"):
        settings = reading(config, time=time, ids=["order", "person"], target="label")
        train, test = divide(people, settings)
        assert len(test)
        assert not {*train["person"]} & {*test["person"]}


def test_an_id_with_gaps_groups_nothing(config: Config) -> None:
    person = pd.Series(ROWS.index // 4 % 10)
    people = ROWS.assign(person=person.mask(person == 3))
    settings = reading(config, time=None, ids=["person"], target="label")
    _, test = divide(people, settings)
    assert len(test) == 10


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


def test_more_classes_than_held_out_rows_are_split_without_strata(config: Config) -> None:
    plain = reading(config, time=None, group=None, ids=[])
    rows = pd.DataFrame({config.data.target: [n % 12 for n in range(28)]})
    train, test = divide(rows, plain)
    assert (len(train), len(test)) == (21, 7)


def test_an_update_alone_draws_the_same_groups(config: Config) -> None:
    people = ROWS.assign(person=ROWS.index // 4 % 10)
    before = reading(config, time=None, group="person", target="label").model_copy(
        update={"defaults": "0.1.0"}
    )
    _, test = divide(people, before)
    # As every version since the first one drew them.
    drawn = people["person"].drop_duplicates().sample(frac=0.25, random_state=config.seed)
    assert {*test["person"]} == {*drawn}
    assert Config.model_fields["defaults"].default == "0.1.0"


@pytest.mark.parametrize(
    "how", [{"defaults": "0.2.0"}, {"defaults": "0.1.0", "behaviours": ["stratified-groups"]}]
)
def test_stratified_groups_have_their_share_of_a_rare_class(
    how: dict[str, object], config: Config
) -> None:
    # Of a hundred groups of four rows, eight have one row of the rare class.
    people = pd.DataFrame({"person": [row // 4 for row in range(400)]})
    people["label"] = [int(row % 4 == 0 and row // 4 % 12 == 5) for row in range(400)]
    for seed in range(20):
        settings = reading(config, time=None, group="person", target="label")
        stratified = settings.model_copy(update={**how, "seed": seed, "task": "classification"})
        train, test = divide(people, stratified)
        assert test["label"].sum() == 2
        assert train["label"].sum() == 6
        assert not {*train["person"]} & {*test["person"]}
        assert len(test) == 100
