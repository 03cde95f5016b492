"""Any candidates can be configured, and a mistyped setting is one sentence that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling import tuning as module
from churn_radar.mlops.modeling import with_tuned_settings
from churn_radar.mlops.modeling.inputs import Inputs
from churn_radar.mlops.modeling.selection import (
    bad_setting_in_fit,
    candidates,
    cross_validate,
    measured_candidate,
    simpler_candidates,
)
from churn_radar.mlops.pipeline import tune
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

SETTINGS = {
    "task": "classification",
    "seed": 7,
    "data": {"name": "people", "raw": "data/raw/people_raw.csv", "target": "label"},
    "selection": {"metric": "roc_auc", "folds": 3},
    "model": {"name": "radar"},
}
RNG = np.random.default_rng(1)
FEATURES = pd.DataFrame(RNG.normal(size=(120, 3)), columns=["a", "b", "c"])
TARGET = (FEATURES["a"] + RNG.normal(0, 0.3, 120) > 0).astype(int)


def configured(**sections: Any) -> Config:
    """The settings with these sections under `model`."""
    return Config.model_validate(SETTINGS | {"model": {"name": "radar", **sections}})


def own(config: Config) -> dict[str, Pipeline]:
    """Candidates that a team could write in the place of the template's."""
    return {
        "guess": make_pipeline(DummyClassifier()),
        "tree": make_pipeline(DecisionTreeClassifier(**config.model.settings("tree"))),
        "forest": make_pipeline(
            StandardScaler(), RandomForestClassifier(**config.model.settings("forest"))
        ),
    }


@pytest.fixture
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "candidates", own)


@pytest.mark.usefixtures("_own")
def test_other_candidates_are_configured_compared_and_measured() -> None:
    config = configured(forest={"n_estimators": 5}, tree={"max_depth": 2})
    models = candidates(config)
    assert models["forest"][-1].n_estimators == 5
    assert [*cross_validate(config, FEATURES, TARGET)] == ["guess", "tree", "forest"]
    assert [*simpler_candidates(models, "forest")] == ["tree"]
    assert measured_candidate(models, "forest") == "forest"
    assert measured_candidate(models, "guess") == "tree"


def test_a_candidate_that_is_slow_to_fit_is_measured_by_a_simpler_one() -> None:
    class Slow(DecisionTreeClassifier):
        slow_to_fit = True

    models = {"guess": make_pipeline(DummyClassifier()), "slow": make_pipeline(Slow())}
    assert measured_candidate(models, "slow") == "slow"
    models = {"tree": make_pipeline(DecisionTreeClassifier())} | models
    assert measured_candidate(models, "slow") == "tree"


@pytest.mark.usefixtures("_own")
def test_other_candidates_are_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tree={"max_depth": 1})
    path = tmp_path / config.table("processed", "train")
    path.parent.mkdir(parents=True)
    path.write_text("only its hash counts")
    data = Inputs(FEATURES, TARGET, None)
    monkeypatch.setattr(tune, "training_sample", lambda *_: data)
    search = {"tree": {"max_depth": {"low": 1, "high": 5}}}
    tuning = type(config.tuning)(trials=2, folds=2, search=search)
    config = config.model_copy(update={"tuning": tuning})
    tune.tune(config, tmp_path)
    found = json.loads((tmp_path / "reports" / "tuning.json").read_text())["settings"]
    assert with_tuned_settings(config, tmp_path).model.sections == found
    # Settings that were found for a candidate which is gone do not come back.
    left = config.model_copy(update={"tuning": type(config.tuning)()})
    assert with_tuned_settings(left, tmp_path) == left
    wrong = tuning.model_copy(update={"search": {"trees": {}}})
    with pytest.raises(ProjectError, match=r"tuning\.search\.trees: .* did you mean tree\?"):
        module.refuse_gaps(config.model_copy(update={"tuning": wrong}))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"forest": {"n_trees": 9}}, r"^model\.forest\.n_trees: 9 is refused: .*'n_trees'$"),
        (
            {"tree": {"depth": 2}, "forest": {"n_trees": 9}},
            r"^model\.tree\.depth: 2 is refused: .*'depth': did you mean max_depth\?$",
        ),
        ({"forrest": {}}, r"^model\.forrest: .*no such candidate: did you mean forest\?$"),
        ({"zzz": {}}, r"^model\.zzz: .*no such candidate: there are forest, guess, tree$"),
    ],
)
@pytest.mark.usefixtures("_own")
def test_a_mistyped_name_is_one_sentence(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        candidates(configured(**sections))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"tree": {"max_depth": "deep"}}, r"^model\.tree\.max_depth: 'deep' is refused: .*'deep'"),
        (
            {"forest": {"max_depth": "deep", "n_estimators": "many"}},
            r"^model\.forest\.(max_depth|n_estimators): '(deep|many)' is refused",
        ),
    ],
)
@pytest.mark.usefixtures("_own")
def test_a_mistyped_value_is_one_sentence(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        cross_validate(configured(**sections), FEATURES, TARGET)


@pytest.mark.usefixtures("_own")
def test_what_no_setting_explains_is_blamed_on_none() -> None:
    config = configured(tree={"max_depth": 2})
    assert bad_setting_in_fit(config, "tree", FEATURES, TARGET) is None
    empty = FEATURES.assign(a="x")
    assert bad_setting_in_fit(config, "tree", empty, TARGET) is None
    with pytest.raises(ProjectError, match=r"guess cannot be scored by roc_auc"):
        cross_validate(config, FEATURES, TARGET.where(FEATURES["b"] > 0, 2))


def test_a_fault_in_the_code_of_a_candidate_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Config) -> dict[str, Pipeline]:
        raise AttributeError("oops")

    monkeypatch.setattr(team, "candidates", broken)
    with pytest.raises(AttributeError, match="oops"):
        candidates(configured(tree={"max_depth": 2}))

    class Broken(DecisionTreeClassifier):
        def fit(self, *_: object) -> None:
            raise AttributeError("oops")

    monkeypatch.setattr(team, "candidates", lambda _: {"broken": make_pipeline(Broken())})
    with pytest.raises(AttributeError, match="oops"):
        cross_validate(configured(), FEATURES, TARGET)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "gives no model"),
        (["Forest"], "'Forest' breaks the rule .* for example forest"),
        (["name"], "no candidate can be called name"),
    ],
)
def test_names_that_params_yaml_cannot_have_are_refused(
    names: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "candidates", lambda _: dict.fromkeys(names))
    with pytest.raises(ProjectError, match=said):
        candidates(configured())


@pytest.mark.parametrize(
    ("sections", "said"),
    [({"Forest": {}}, "for example forest"), ({"forest": 3}, "valid dictionary")],
)
def test_a_section_is_a_mapping_with_a_good_name(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        configured(**sections)
