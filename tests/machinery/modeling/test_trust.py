"""A model file names only what models are made of, and loading one runs no code that it brings."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import skops
import skops.io
from churn_radar.mlops import team
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.storage import TRUSTED, load_model, save_model
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier


class Stranger(DecisionTreeClassifier):
    """A class that is not in the team's package."""


def test_a_model_with_a_foreign_class_is_not_saved(tmp_path: Path) -> None:
    model = make_pipeline(Stranger()).fit([[1], [2]], [0, 1])
    with pytest.raises(ProjectError, match=r"not trusted: .*Stranger"):
        save_model(model, tmp_path / "model.skops")


@pytest.mark.parametrize(
    "name", ["churn_radar.mlops.promotion.promote.promote", "churn_radar_helpers.log", "os.system"]
)
def test_a_file_that_lists_what_is_not_the_teams_is_refused(name: str, tmp_path: Path) -> None:
    assert not TRUSTED.fullmatch(name)
    skops.io.dump({"held": Path("x"), "other": np.testing.assert_equal}, tmp_path / "model.skops")
    with pytest.raises(ProjectError, match="not trusted"):
        load_model(tmp_path / "model.skops")


@pytest.mark.parametrize("stranger", [Path("x"), np.testing.assert_equal])
def test_a_model_file_with_a_foreign_name_is_refused(stranger: object, tmp_path: Path) -> None:
    skops.io.dump({"held": stranger}, tmp_path / "model.skops")
    with pytest.raises(ProjectError, match=r"not trusted: (pathlib|numpy\.testing)\."):
        load_model(tmp_path / "model.skops")


FEATURES = f"{team.PACKAGE.name}.features"


def node(loader: str, module: str, name: str, **more: object) -> dict[str, object]:
    """How a file describes an object to skops."""
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def attribute_of(owner: dict[str, object], name: str) -> dict[str, object]:
    return node("MethodNode", FEATURES, "pd", content={"obj": owner, "func": name})


IMPORTED = node("FunctionNode", FEATURES, "pd")
SYSTEM = attribute_of(attribute_of(attribute_of(IMPORTED, "io"), "common"), "os")
ATTACKS = {
    "an import of a module of the team's": IMPORTED,
    "an attribute of an import": SYSTEM,
    "a call with arguments of the file": node(
        "PartialNode", FEATURES, "pd", content={"func": SYSTEM}
    ),
    "a call of something else than it may prepare": node(
        "PartialNode",
        "functools",
        "partial",
        content={"func": node("FunctionNode", "sklearn.calibration", "clone")},
    ),
    "a function in place of a loss": node("LossNode", "sklearn.calibration", "clone", content={}),
    "a function called to make an object": node(
        "ConstructorFromReduceNode", FEATURES, "complaint_age", content={}
    ),
    "a function of scikit-learn": node("FunctionNode", "sklearn.calibration", "clone"),
    "the machinery": node("FunctionNode", f"{team.PACKAGE.name}.mlops.cli", "main"),
    "a name that is not there": node("TypeNode", FEATURES, "nothing"),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("depth", ["as the model", "deep in it"])
def test_a_file_that_would_run_code_is_refused(attack: str, depth: str, tmp_path: Path) -> None:
    schema = ATTACKS[attack]
    if depth == "deep in it":
        schema = node("ListNode", "builtins", "list", content=[schema])
    schema |= {"protocol": skops.io._protocol.PROTOCOL, "_skops_version": skops.__version__}
    path = tmp_path / "model.skops"
    with ZipFile(path, "w") as file:
        file.writestr("schema.json", json.dumps(schema))
    with pytest.raises(ProjectError, match="not trusted"):
        load_model(path)


LOGISTIC = LogisticRegression()
COMMON = {
    "a search with a metric": GridSearchCV(LOGISTIC, {"C": [0.1, 1.0]}, scoring="roc_auc"),
    "a search with a metric of one's own": GridSearchCV(
        LOGISTIC, {"C": [0.1, 1.0]}, scoring=make_scorer(fbeta_score, beta=2)
    ),
    "a tuned threshold": TunedThresholdClassifierCV(LOGISTIC, scoring="f1"),
    "boosting with categories": HistGradientBoostingClassifier(
        categorical_features=[1], max_iter=5
    ),
    "splines": make_pipeline(SplineTransformer(), LOGISTIC),
    "logarithms": make_pipeline(FunctionTransformer(np.log1p), LOGISTIC),
    "the most telling columns": make_pipeline(SelectKBest(mutual_info_classif, k=1), LOGISTIC),
    "columns by type": make_pipeline(
        ColumnTransformer([("all", StandardScaler(), make_column_selector(dtype_include=float))]),
        LOGISTIC,
    ),
}


@pytest.mark.parametrize("name", COMMON)
def test_common_estimators_are_saved_and_loaded(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"charge": rng.random(80), "region": rng.integers(0, 3, 80) * 1.0})
    model = make_pipeline(COMMON[name]).fit(rows, rows["charge"] > 0.5)
    save_model(model, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(model.predict(rows), loaded.predict(rows))
