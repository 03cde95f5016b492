"""Gate `leakage`: nothing that the model learns from holds the answer, or who somebody is."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from churn_radar.features import FEATURES
from churn_radar.mlops import Feature, team
from churn_radar.mlops.config import Config
from churn_radar.mlops.data.validation import PERSONAL
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import leakage
from machinery.gates.known import scored

NAME = FEATURES[0].name


def reading(config: Config, **data: Any) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def test_sound_tables_do_not_leak(sound: SimpleNamespace) -> None:
    verdict = leakage.check(sound)
    assert (verdict.status, verdict.value) == ("passed", 0.5)


def test_held_out_rows_among_those_learned_from_are_refused(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, time=None, group=None)
    sound.train = pd.concat([sound.train, sound.test]).drop_duplicates()
    sound.test = sound.train.tail(len(sound.train) // 5)
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert "held-out rows are in the training set too" in verdict.reason


def test_equal_rows_are_no_leak_where_equal_rows_are_common(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, time=None, group=None, ids=[])
    sound.test = sound.train.head(50)
    sound.train = pd.concat([sound.train] * 2, ignore_index=True)
    assert leakage.check(sound).status == "passed"


@pytest.mark.parametrize(
    ("role", "said"), [("group", "1 values of planted"), ("time", "as late by planted")]
)
def test_a_group_or_a_time_on_both_sides_is_refused(
    role: str, said: str, sound: SimpleNamespace
) -> None:
    sound.config = reading(sound.config, time=None, group=None)
    sound.config = reading(sound.config, **{role: "planted"})
    sound.train = sound.train.assign(planted=1)
    sound.test = sound.test.assign(planted=1, other=range(len(sound.test)))
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert said in verdict.reason


def test_a_feature_that_gives_the_answer_away_is_refused(sound: SimpleNamespace) -> None:
    sound.challenge["features"][NAME]["univariate"] = 0.999
    verdict = leakage.check(sound)
    assert (verdict.status, verdict.value, verdict.threshold) == ("refused", 0.999, 0.8)
    assert verdict.reason.startswith(f"{NAME} has a univariate skill score")


def test_a_feature_that_tells_much_needs_a_reason(sound: SimpleNamespace) -> None:
    sound.challenge["features"][NAME]["univariate"] = 0.9
    assert "under gates.leakage.explained why" in leakage.check(sound).reason
    sound.config = explaining(sound.config, {NAME: "It is so."})
    verdict = leakage.check(sound)
    assert verdict.status == "passed"
    assert "explained: It is so." in verdict.reason


def explaining(config: Config, explained: dict[str, str]) -> Config:
    leak = config.gates.leakage.model_copy(update={"explained": explained})
    gates = config.gates.model_copy(update={"leakage": leak})
    return config.model_copy(update={"gates": gates})


@pytest.mark.parametrize(
    ("explained", "said"),
    [
        ({f"{NAME}x": "Why."}, f"there is no {NAME}x here: did you mean {NAME}?"),
        ({NAME: " "}, f"say why for {NAME}"),
    ],
)
def test_what_is_explained_has_to_be_there_and_for_a_reason(
    explained: dict[str, str], said: str, sound: SimpleNamespace
) -> None:
    sound.config = explaining(sound.config, explained)
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert verdict.reason.endswith(said)


def test_an_id_on_both_sides_is_refused(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, ids=["planted"], time=None, group=None)
    sound.train = sound.train.assign(planted=range(len(sound.train)))
    sound.test = sound.test.assign(planted=range(len(sound.test)))
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert f"{len(sound.test):,} values of planted are in both tables" in verdict.reason


def test_a_feature_that_reads_other_rows_is_refused(
    sound: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rank = Feature("rank", "numeric", "a", "b", "c", lambda rows: rows["monthly_charge"].rank())
    monkeypatch.setattr(team, "features", lambda: (rank,))
    with pytest.raises(ProjectError, match="rank of a row depends on other rows"):
        leakage.check(sound)


@pytest.mark.parametrize("role", ["ids", "sensitive", "personal", "personal by a pattern"])
def test_a_feature_that_reads_what_it_must_not_is_refused(
    role: str, sound: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Feature("sly", "numeric", "a", "b", "c", lambda rows: rows["planted"] + 1)
    monkeypatch.setattr(team, "features", lambda: (planted,))
    plain = reading(sound.config, target="other", ids=[], sensitive=[], time=None, group=None)
    is_personal = role.startswith("personal")
    sound.config = plain if is_personal else reading(plain, **{role: ["planted"]})
    metadata = PERSONAL if is_personal else None
    by_pattern = role.endswith("pattern")
    name = "^plan" if by_pattern else "planted"
    columns = {name: SimpleNamespace(metadata=metadata, regex=by_pattern)}
    schema = SimpleNamespace(to_schema=lambda: SimpleNamespace(columns=columns))
    monkeypatch.setattr(team, "raw_table", lambda: schema)
    monkeypatch.setattr(team, "request", lambda: schema)
    # Sorted, as an export may be: the first thousand rows have one value.
    sound.train = sound.train.assign(planted=range(len(sound.train)))
    sound.test = sound.test.assign(planted=-1)
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert "the feature sly reads planted" in verdict.reason


def test_a_feature_named_like_what_it_must_not_read_is_refused(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, ids=[NAME])
    sound.train = sound.train.assign(**{NAME: range(len(sound.train))})
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert f"reads {NAME}, which is an id" in verdict.reason


def add_champion(sound: SimpleNamespace, known: SimpleNamespace, noise: float) -> None:
    """A champion that is off by so much noise, beside a candidate that is off by a tenth."""
    sound.rows = known.rows
    sound.cached_candidate = known.cached_candidate
    sound.champion_if_scored = scored(noise)
    sound.recorded = {"train_rows": len(sound.train)}


def test_a_sudden_gain_over_the_champion_needs_a_reason(
    sound: SimpleNamespace, known: SimpleNamespace
) -> None:
    add_champion(sound, known, noise=0.6)
    verdict = leakage.check(sound)
    assert verdict.status == "refused"
    assert "under gates.leakage.explained.score what makes it so good" in verdict.reason
    sound.config = explaining(sound.config, {"score": "We measure it ourselves now."})
    assert leakage.check(sound).status == "passed"


def test_a_gain_within_the_usual_passes(sound: SimpleNamespace, known: SimpleNamespace) -> None:
    add_champion(sound, known, noise=0.11)
    assert leakage.check(sound).status == "passed"


def test_a_gain_that_more_rows_explain_passes(
    sound: SimpleNamespace, known: SimpleNamespace
) -> None:
    add_champion(sound, known, noise=0.2)
    assert leakage.check(sound).status == "refused"
    sound.recorded = {"train_rows": len(sound.train) // 10}
    assert leakage.check(sound).status == "passed"
