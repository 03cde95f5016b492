"""A team replaces all candidates by models of its own, and is green from verify to promotion."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from e2e.copier_runs import Generated, clone, run, succeed
from e2e.promotions import aliases, promote, settle
from support import commit

MODEL = '''"""Models of our own: a shallow tree, an estimator class of ours, and a forest."""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from .features import FEATURES
from .mlops import Config
from .shares import SmoothedTree


def prepare() -> ColumnTransformer:
    """Fill numbers, and give each value of a category a column."""
    numeric = [feature.name for feature in FEATURES if feature.kind == "numeric"]
    categorical = [feature.name for feature in FEATURES if feature.kind == "categorical"]
    columns = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    return ColumnTransformer(
        [
            ("numeric", SimpleImputer(keep_empty_features=True), numeric),
            ("categorical", columns, categorical),
        ]
    )


def candidates(config: Config) -> dict[str, Pipeline]:
    """Return the models to compare, the simplest first."""
    seed = config.seed
    estimators = {
        "shallow": DecisionTreeClassifier(random_state=seed, **config.model.settings("shallow")),
        "smoothed": SmoothedTree(seed=seed, **config.model.settings("smoothed")),
        "forest": RandomForestClassifier(random_state=seed, **config.model.settings("forest")),
    }
    return {name: make_pipeline(prepare(), model) for name, model in estimators.items()}
'''
SHARES = '''"""An estimator of our own, in a module that the template never saw."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier


class SmoothedTree(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A tree whose probabilities are drawn towards a half."""

    def __init__(self, weight: float = 0.1, seed: int = 0) -> None:
        """Take how far the probabilities are drawn."""
        self.weight = weight
        self.seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Fit the tree."""
        self.tree_ = DecisionTreeClassifier(min_samples_leaf=60, random_state=self.seed).fit(x, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return one column for each class."""
        shares = self.tree_.predict_proba(x)
        even = 1 / len(self.classes_)
        return np.asarray((1 - self.weight) * shares + self.weight * even)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the most probable class."""
        return np.asarray(self.classes_[self.predict_proba(x).argmax(axis=1)])
'''


@pytest.fixture(scope="module")
def own_models(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three candidates, none of which the template named."""
    project = clone(generated, tmp_path_factory.mktemp("own_models"))
    package = project / "src" / "churn_radar"
    (package / "model.py").write_text(MODEL, encoding="utf-8")
    (package / "shares.py").write_text(SHARES, encoding="utf-8")
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["model"] = {
        "name": params["model"]["name"],
        "shallow": {"max_depth": 3},
        "smoothed": {"weight": 0.1},
        "forest": {"n_estimators": 60, "min_samples_leaf": 5},
    }
    params["tuning"] = {
        "trials": 2,
        "search": {
            "shallow": {"max_depth": {"low": 2, "high": 4}},
            "forest": {"min_samples_leaf": {"low": 3, "high": 20}},
        },
        "fixed": {
            "smoothed.weight": "It was agreed with those who use the probabilities.",
            "forest.n_estimators": "More trees do the same, and take longer.",
        },
    }
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return project


def test_own_models_are_green_and_promoted(own_models: Path) -> None:
    succeed(own_models, "make", "format")
    status, output = run(own_models, "make", "verify")
    assert status == 0, output
    commit(own_models, "Use models of our own")
    status, refused, output = promote(own_models, "WHY=ours")
    assert (status, refused) == (0, {}), output
    assert aliases(own_models) == {"champion": max(aliases(own_models).values())}


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("forest", {"n_estimators": "many"}, "model.forest.n_estimators: 'many' is refused"),
        ("forest", {"n_trees": 60}, "model.forest.n_trees"),
        ("forrest", {"n_estimators": 60}, "did you mean forest"),
    ],
)
def test_a_mistyped_setting_is_one_sentence(
    section: str, settings: dict[str, object], message: str, own_models: Path
) -> None:
    path = own_models / "params.yaml"
    sound = path.read_text(encoding="utf-8")
    try:
        settle(own_models, model={section: settings}, tuning={"trials": 0, "search": {}})
        status, output = run(
            own_models, "uv", "run", "--no-sync", "churn-radar", "pipeline", "train"
        )
    finally:
        path.write_text(sound, encoding="utf-8")
    assert status != 0
    assert message in output
    assert "Traceback" not in output
