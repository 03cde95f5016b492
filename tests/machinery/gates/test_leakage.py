"""Gate `leakage`: nothing that the model learns from holds the answer, or who somebody is."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
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
    verdict = leakage.leakage(sound)
    assert (verdict.status, verdict.value) == ("passed", 0.5)


def test_held_out_rows_among_those_learned_from_are_refused(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, time=None, group=None)
    sound.train = pd.concat([sound.train, sound.test]).drop_duplicates()
    sound.test = sound.train.tail(len(sound.train) // 5)
    verdict = leakage.leakage(sound)
    assert verdict.status == "refused"
    assert "held-out rows are in the training set too" in verdict.reason


def told_twins(evidence: SimpleNamespace) -> tuple[int, float, bool]:
    """How many twins the verdict tells, in % of training rows, and whether that is too many."""
    verdict = leakage.leakage(evidence)
    assert verdict.status == "passed", verdict.reason
    pattern = r"([\d,]+) of [\d,]+ with a near twin .*of its own rows ([\d.]+)% have one"
    found = re.search(pattern, verdict.reason)
    assert found, verdict.reason
    n_twins, share = found.groups()
    return int(n_twins.replace(",", "")), float(share), "copied" in verdict.reason


def test_near_twins_are_few_in_sound_tables(sound: SimpleNamespace) -> None:
    n_twins, share, is_too_many = told_twins(sound)
    assert n_twins <= 0.01 * len(sound.test)
    assert share <= 1
    assert not is_too_many


def test_copied_rows_with_noise_are_told(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, time=None)
    rng = np.random.default_rng(1)
    copies = sound.test.head(30).copy()
    for name in copies.select_dtypes("number").columns.difference([sound.config.data.target]):
        # Noise of 0.1 % of the spread; whole numbers stay as they are.
        if not pd.api.types.is_integer_dtype(copies[name]):
            spread = sound.train[name].std()
            copies[name] += rng.normal(0, 0.001, len(copies)) * spread
    for name in sound.config.data.ids:
        copies[name] = [f"copy-{number}" for number in range(len(copies))]
    before, _, _ = told_twins(sound)
    sound.train = pd.concat([sound.train, copies], ignore_index=True)
    n_twins, _, is_too_many = told_twins(sound)
    assert before < 25 <= n_twins <= before + 30
    assert is_too_many


def test_twins_are_no_matter_where_features_have_few_values(
    sound: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = [feature for feature in FEATURES if feature.kind == "categorical"][:2]
    monkeypatch.setattr(team, "features", lambda: tuple(coarse))
    sound.challenge["features"] = {f.name: sound.challenge["features"][f.name] for f in coarse}
    n_twins, share, is_too_many = told_twins(sound)
    assert n_twins > 0.9 * len(sound.test)
    assert share > 90
    assert not is_too_many


def test_near_is_one_hundredth_of_the_middle_half(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("size", "kind", "mostly_zero")
    kinds = ("numeric", "categorical", "numeric")
    features = [Feature(*pair, "a", "b", "c") for pair in zip(names, kinds, strict=True)]
    monkeypatch.setattr(team, "features", lambda: features)
    monkeypatch.setattr(leakage, "feature_table", lambda _, rows: rows)
    # The middle half of the sizes spans 50; one is huge.
    size = [*np.linspace(0, 100, 101), 1e9, np.nan]
    train = pd.DataFrame({"size": size, "kind": "a", "mostly_zero": [100.0, *[0.0] * 102]})
    rows = [
        (50.4, "a", 0.0),
        (50.4, "b", 0.0),  # another kind
        (50.4, None, 0.0),
        (50.4, "a", 0.5),
        (130.0, "a", 0.0),  # far from all sizes
        (np.nan, "a", 0.0),
        (np.inf, "a", 0.0),  # counts as a gap
    ]
    test = pd.DataFrame(rows, columns=["size", "kind", "mostly_zero"])
    evidence: Any = SimpleNamespace(train=train, test=test, config=SimpleNamespace(seed=1))
    assert leakage._describe_near_twins(evidence).startswith("3 of 7 with a near twin")


def test_equal_rows_are_no_leak_where_equal_rows_are_common(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, time=None, group=None, ids=[])
    sound.test = sound.train.head(50)
    sound.train = pd.concat([sound.train] * 2, ignore_index=True)
    assert leakage.leakage(sound).status == "passed"


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
    verdict = leakage.leakage(sound)
    assert verdict.status == "refused"
    assert said in verdict.reason


def test_a_feature_that_gives_the_answer_away_is_refused(sound: SimpleNamespace) -> None:
    sound.challenge["features"][NAME]["univariate"] = 0.999
    verdict = leakage.leakage(sound)
    assert (verdict.status, verdict.value, verdict.threshold) == ("refused", 0.999, 0.8)
    assert verdict.reason.startswith(f"{NAME} has a univariate skill score")


def test_a_feature_that_tells_much_needs_a_reason(sound: SimpleNamespace) -> None:
    sound.challenge["features"][NAME]["univariate"] = 0.9
    assert "under gates.leakage.explained why" in leakage.leakage(sound).reason
    sound.config = explaining(sound.config, {NAME: "It is so."})
    verdict = leakage.leakage(sound)
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
    verdict = leakage.leakage(sound)
    assert verdict.status == "refused"
    assert verdict.reason.endswith(said)


def test_an_id_on_both_sides_is_refused(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, ids=["planted"], time=None, group=None)
    sound.train = sound.train.assign(planted=range(len(sound.train)))
    sound.test = sound.test.assign(planted=range(len(sound.test)))
    verdict = leakage.leakage(sound)
    assert verdict.status == "refused"
    assert f"{len(sound.test):,} values of planted are in both tables" in verdict.reason


def test_a_feature_that_reads_other_rows_is_refused(
    sound: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rank = Feature("rank", "numeric", "a", "b", "c", lambda rows: rows["monthly_charge"].rank())
    monkeypatch.setattr(team, "features", lambda: (rank,))
    with pytest.raises(ProjectError, match="rank of a row depends on other rows"):
        leakage.leakage(sound)


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
    verdict = leakage.leakage(sound)
    assert verdict.status == "refused"
    assert "the feature sly reads planted" in verdict.reason


def test_a_feature_named_like_what_it_must_not_read_is_refused(sound: SimpleNamespace) -> None:
    sound.config = reading(sound.config, ids=[NAME])
    sound.train = sound.train.assign(**{NAME: range(len(sound.train))})
    verdict = leakage.leakage(sound)
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
    verdict = leakage.leakage(sound)
    assert verdict.status == "refused"
    assert "under gates.leakage.explained.score what makes it so good" in verdict.reason
    explained = {"score": "We measure it ourselves now."}
    sound.config = explaining(sound.config, explained)
    assert leakage.leakage(sound).status == "passed"
    # The champion was promoted with that reason: this is another gain.
    sound.recorded["thresholds"] = {"leakage": {"explained": explained}}
    assert leakage.leakage(sound).status == "refused"
    sound.config = explaining(sound.config, {})
    assert leakage.leakage(sound).status == "refused"


def test_a_gain_within_the_usual_passes(sound: SimpleNamespace, known: SimpleNamespace) -> None:
    add_champion(sound, known, noise=0.11)
    assert leakage.leakage(sound).status == "passed"


def test_a_gain_that_more_rows_explain_passes(
    sound: SimpleNamespace, known: SimpleNamespace
) -> None:
    add_champion(sound, known, noise=0.2)
    assert leakage.leakage(sound).status == "refused"
    sound.recorded = {"train_rows": len(sound.train) // 10}
    assert leakage.leakage(sound).status == "passed"
