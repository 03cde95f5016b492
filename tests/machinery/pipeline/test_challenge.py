"""The model beats simpler ones, its features beat chance, and nothing leaks."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_radar.config import Config
from churn_radar.contract import Feature
from churn_radar.errors import ProjectError
from churn_radar.evaluation import scores
from churn_radar.evaluation.scores import (
    Classes,
    Rows,
    remember,
    rows_of,
)
from churn_radar.features import FEATURES
from churn_radar.gates import features, leakage, simpler
from churn_radar.passport import file_hash
from churn_radar.pipeline.challenge import (
    challenge,
    compared,
    feature_worth,
)
from churn_radar.pipeline.train import inputs
from churn_radar.pipeline.validate import PERSONAL
from churn_radar.storage import load_model

Labelled = tuple[pd.DataFrame, pd.Series]
NAME = FEATURES[0].name


@pytest.fixture
def evidence(config: Config, finished: Path) -> SimpleNamespace:
    """Of the finished project; each feature is said to be useful, and none to leak."""
    paths = [finished / config.table("processed", step) for step in ("train", "test")]
    train, test = (pd.read_parquet(path) for path in paths)
    facts = {"alone": 0.5, "importance": 0.1, "useful": True}
    facts["probe"] = {"alone": 0.1, "importance": 0.01}
    model = load_model(finished / "models" / "model.skops")
    found = {"features": {feature.name: dict(facts) for feature in FEATURES}}
    return SimpleNamespace(config=config, train=train, test=test, model=model, challenge=found)


def bounded(config: Config, **bounds: Any) -> Config:
    gates = config.gates.model_copy(
        update={n: getattr(config.gates, n).model_copy(update=b) for n, b in bounds.items()}
    )
    return config.model_copy(update={"gates": gates})


def reading(config: Config, **data: Any) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def test_the_report_is_about_the_model_and_always_the_same(config: Config, finished: Path) -> None:
    path = finished / "reports" / "challenge.json"
    before = path.read_bytes()
    challenge(config, finished)
    assert path.read_bytes() == before
    report = json.loads(before)
    assert report["model"] == file_hash(finished / "models" / "model.skops")
    assert [*report["features"]] == [feature.name for feature in FEATURES]
    assert report["simpler"]["one feature"]["feature"] in report["features"]


@pytest.fixture
def scored(config: Config, finished: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Rows, Any]:
    """The held-out rows, to be resampled a few times, and the model's predictions for them."""
    monkeypatch.setattr(scores, "DRAWS", 20)
    tables = [finished / config.table("processed", step) for step in ("train", "test")]
    (_, learned), (held, truth) = (inputs(config, pd.read_parquet(path)) for path in tables)
    model = load_model(finished / "models" / "model.skops")
    return rows_of(config, learned, truth), remember(model, held)


def test_a_model_that_is_no_better_than_trivial_is_refused(scored: tuple[Rows, Any]) -> None:
    rows, _ = scored
    against = compared(rows, rows.trivial, {"trivial": rows.trivial})
    verdict = simpler.check(SimpleNamespace(challenge={"simpler": against}))
    assert (verdict.status, verdict.figure, verdict.bound) == ("refused", 0, 0)
    assert "trivial" in verdict.reason


@pytest.mark.parametrize(
    ("name", "extra", "said"),
    [
        ("linear", {}, "the linear model has"),
        ("one feature", {"feature": "age"}, "one feature, age, has"),
    ],
)
def test_a_model_that_a_simpler_one_beats_is_refused(
    name: str, extra: dict[str, str], said: str, scored: tuple[Rows, Any]
) -> None:
    rows, model = scored
    against = compared(rows, model, {"trivial": rows.trivial})
    assert simpler.check(SimpleNamespace(challenge={"simpler": against})).status == "passed"
    against |= {name: extra | compared(rows, rows.trivial, {name: model})[name]}
    verdict = simpler.check(SimpleNamespace(challenge={"simpler": against}))
    assert verdict.status == "refused"
    assert said in verdict.reason


def test_rows_that_tell_no_model_from_another_are_refused() -> None:
    zeros, classes = np.zeros(9, int), np.array([0])
    trivial = Classes(zeros, np.ones((9, 1)), classes)
    rows = Rows("accuracy", zeros, trivial, np.arange(9), 1)
    with pytest.raises(ProjectError, match="hold out others"):
        compared(rows, trivial, {})


@pytest.fixture
def quick(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The settings, with fewer folds and probes."""
    monkeypatch.setattr("churn_radar.pipeline.evaluate.RESAMPLES", 100)
    return config.model_copy(update={"tuning": config.tuning.model_copy(update={"folds": 2})})


def test_noise_is_not_useful(quick: Config, labelled: Labelled) -> None:
    table, target = labelled
    rng = np.random.default_rng(quick.seed)

    def found() -> float:
        noise = table.assign(
            **{name: table[name].array[rng.permutation(len(table))] for name in table}
        )
        worth = feature_worth(quick, "baseline", (noise, target, None))
        return float(np.mean([facts["useful"] for facts in worth.values()]))

    assert any(found() < 0.5 for _ in range(3))


def test_a_copy_of_the_target_stands_out(quick: Config, labelled: Labelled) -> None:
    table, target = labelled
    codes = target.astype("category").cat.codes if quick.task == "classification" else target
    leaking = table.assign(**{NAME: codes.astype(float)})
    groups = pd.Series(range(len(table)), index=table.index) % 50
    worth = feature_worth(quick, "baseline", (leaking, target, groups))[NAME]
    assert worth["useful"]
    assert worth["alone"] > 0.5


def test_a_useless_feature_is_refused_unless_it_is_kept(evidence: SimpleNamespace) -> None:
    evidence.challenge["features"][NAME]["useful"] = False
    verdict = features.check(evidence)
    assert verdict.status == "refused"
    assert f"{NAME} is no better than chance" in verdict.reason
    evidence.config = bounded(evidence.config, features={"kept": {NAME: "The law asks for it."}})
    verdict = features.check(evidence)
    assert verdict.status == "passed"
    assert "1 kept in spite" in verdict.reason


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({f"{NAME}x": "Why."}, f"{NAME}x is no feature: did you mean {NAME}?"),
        ({"?": "Why."}, "? is no feature"),
        ({NAME: " "}, f"say why {NAME} stays"),
    ],
)
def test_what_is_kept_has_to_be_there_and_for_a_reason(
    kept: dict[str, str], said: str, evidence: SimpleNamespace
) -> None:
    evidence.config = bounded(evidence.config, features={"kept": kept})
    verdict = features.check(evidence)
    assert verdict.status == "refused"
    assert verdict.reason.endswith(said)


def test_a_feature_that_costs_too_much_is_refused(evidence: SimpleNamespace) -> None:
    evidence.config = bounded(evidence.config, features={"max_microseconds": 1e-3})
    verdict = features.check(evidence)
    assert verdict.status == "refused"
    assert verdict.figure > verdict.bound


def test_sound_tables_do_not_leak(evidence: SimpleNamespace) -> None:
    verdict = leakage.check(evidence)
    assert (verdict.status, verdict.figure) == ("passed", 0.5)


def test_held_out_rows_among_those_learned_from_are_refused(evidence: SimpleNamespace) -> None:
    evidence.config = reading(evidence.config, time=None, group=None)
    evidence.train = pd.concat([evidence.train, evidence.test]).drop_duplicates()
    evidence.test = evidence.train.tail(len(evidence.train) // 5)
    verdict = leakage.check(evidence)
    assert verdict.status == "refused"
    assert "held-out rows were learned from too" in verdict.reason


def test_equal_rows_are_no_leak_where_equal_rows_are_common(evidence: SimpleNamespace) -> None:
    evidence.config = reading(evidence.config, time=None, group=None, ids=[])
    evidence.test = evidence.train.head(50)
    evidence.train = pd.concat([evidence.train] * 2, ignore_index=True)
    assert leakage.check(evidence).status == "passed"


@pytest.mark.parametrize(
    ("role", "said"), [("group", "1 groups of planted"), ("time", "as late by planted")]
)
def test_a_group_or_a_time_on_both_sides_is_refused(
    role: str, said: str, evidence: SimpleNamespace
) -> None:
    evidence.config = reading(evidence.config, time=None, group=None)
    evidence.config = reading(evidence.config, **{role: "planted"})
    evidence.train = evidence.train.assign(planted=1)
    evidence.test = evidence.test.assign(planted=1, other=range(len(evidence.test)))
    verdict = leakage.check(evidence)
    assert verdict.status == "refused"
    assert said in verdict.reason


def test_a_feature_that_gives_the_answer_away_is_refused(evidence: SimpleNamespace) -> None:
    evidence.challenge["features"][NAME]["alone"] = 0.999
    verdict = leakage.check(evidence)
    assert (verdict.status, verdict.figure, verdict.bound) == ("refused", 0.999, 0.98)
    assert verdict.reason.startswith(f"{NAME} alone")


@pytest.mark.parametrize("role", ["target", "ids", "sensitive", "personal"])
def test_a_feature_that_reads_what_it_must_not_is_refused(
    role: str, evidence: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Feature("sly", "numeric", "a", "b", "c", lambda rows: rows["planted"] + 1)
    monkeypatch.setattr(leakage, "FEATURES", (planted,))
    plain = reading(evidence.config, target="other", ids=[], sensitive=[], time=None, group=None)
    named = {"target": "planted", "personal": []}.get(role, ["planted"])
    evidence.config = reading(plain, **{role: named}) if role != "personal" else plain
    columns = {"planted": SimpleNamespace(metadata=PERSONAL if role == "personal" else None)}
    raw = SimpleNamespace(to_schema=lambda: SimpleNamespace(columns=columns))
    monkeypatch.setattr(leakage, "RawTable", raw)
    evidence.train = evidence.train.assign(planted=range(len(evidence.train)))
    evidence.test = evidence.test.assign(planted=-1)
    verdict = leakage.check(evidence)
    assert verdict.status == "refused"
    assert "the feature sly reads planted" in verdict.reason


def test_a_feature_named_like_what_it_must_not_read_is_refused(evidence: SimpleNamespace) -> None:
    evidence.config = reading(evidence.config, ids=[NAME])
    evidence.train = evidence.train.assign(**{NAME: range(len(evidence.train))})
    verdict = leakage.check(evidence)
    assert verdict.status == "refused"
    assert f"reads {NAME}, which is an id" in verdict.reason
