"""A model is the same file however often it is fitted, saved and loaded, by any framework."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.storage import load_model, save_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

HELPERS = '''
"""A module that a team added."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


def log(values):
    return np.log1p(np.abs(values))


class Nearest(ClassifierMixin, BaseEstimator):
    """Holds every kind of state that a class of a team's may hold, and some of it twice."""

    def fit(self, x, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        centers = [np.asarray(x)[codes == n].mean(axis=0) for n in range(len(self.classes_))]
        self.centers_ = self.same_ = np.array(centers)
        self.seen_ = {str(label) for label in self.classes_}
        self.words_ = ["mean", "mean", str(len(x))]
        self.by_name_ = {"centers": self.centers_, "words": self.words_}
        self.rng_ = np.random.RandomState(7)
        self.pairs_ = tuple(self.words_)
        return self

    def predict(self, x):
        far = ((np.asarray(x)[:, None, :] - self.centers_) ** 2).sum(axis=2)
        return self.classes_[far.argmin(axis=1)]
'''
NUMBERS, WORDS = ["a", "b"], ["c", "d"]


def prepare(encoder: BaseEstimator) -> ColumnTransformer:
    fill = SimpleImputer(keep_empty_features=True)
    numeric = ("numeric", make_pipeline(fill, StandardScaler()), NUMBERS)
    return ColumnTransformer([numeric, ("categorical", encoder, WORDS)])


def one_hot(most: int = 3) -> OneHotEncoder:
    return OneHotEncoder(
        sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=most
    )


def ordinal() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=int)


CLASSIFIERS = [
    DummyClassifier(),
    LogisticRegression(max_iter=50),
    SVC(),
    KNeighborsClassifier(2),
    DecisionTreeClassifier(max_depth=3, random_state=1),
    RandomForestClassifier(4, max_depth=3, random_state=1),
    RandomForestClassifier(4, max_depth=3, random_state=np.random.RandomState(1)),
    GradientBoostingClassifier(n_estimators=3, random_state=1),
    HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2, random_state=1),
    StackingClassifier([("one", DecisionTreeClassifier()), ("two", LogisticRegression())], cv=2),
    LGBMClassifier(n_estimators=3, min_child_samples=2, n_jobs=1, verbosity=-1),
]
REGRESSORS = [
    Ridge(),
    DecisionTreeRegressor(max_depth=3, random_state=1),
    RandomForestRegressor(4, max_depth=3, random_state=1),
    HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2, random_state=1),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    LGBMRegressor(n_estimators=3, min_child_samples=2, n_jobs=1, verbosity=-1),
    XGBRegressor(n_estimators=3, n_jobs=1),
]
FIFTHS = KFold(5, shuffle=True, random_state=1)
LABELS: list[list[Any]] = [[0, 1], ["no", "yes"], ["a", "b", "c"]]
ENCODERS = [one_hot(), one_hot(50), ordinal(), TargetEncoder(cv=FIFTHS)]


@pytest.fixture(scope="module")
def helpers() -> Iterator[ModuleType]:
    """A module of the team's package, with a class and a function of its own."""
    import churn_radar

    path = Path(churn_radar.__path__[0], "helpers.py")
    path.write_text(HELPERS)
    from churn_radar import helpers

    yield helpers
    path.unlink()


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Small tables: numbers with gaps and equal columns, words of which some are one object."""
    rows = draw(st.integers(12, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    words = [f"word {n}" for n in range(draw(st.integers(1, 12)))]
    numbers = rng.normal(size=rows).round(draw(st.integers(0, 3)))
    table = pd.DataFrame({"a": numbers, "b": numbers if draw(st.booleans()) else rng.random(rows)})
    table = table.mask(rng.random(table.shape) < draw(st.sampled_from([0, 0.2])))
    for name in WORDS:
        values = rng.choice(words, rows)
        # Equal strings as one object, or each as an object of its own.
        shared = draw(st.booleans())
        table[name] = pd.Series([words[words.index(v)] if shared else str(v) for v in values])
        table[name] = table[name].astype(draw(st.sampled_from([object, "str", "category"])))
    return table


def saved_again(model: Pipeline, folder: Path) -> tuple[bytes, bytes, Pipeline]:
    one, two = folder / "one.skops", folder / "two.skops"
    save_model(model, one)
    loaded = load_model(one)
    save_model(loaded, two)
    return one.read_bytes(), two.read_bytes(), loaded


def hold(model: Pipeline, table: pd.DataFrame, target: Any, folder: Path) -> None:
    model.fit(table, target)
    before, after, loaded = saved_again(model, folder)
    assert before == after
    np.testing.assert_array_equal(model.predict(table), loaded.predict(table))


checks = settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@checks
@given(table=tables(), data=st.data())
def test_a_classifier_that_is_loaded_and_saved_is_the_same_file(
    table: pd.DataFrame, data: st.DataObject, tmp_path: Path
) -> None:
    encoder = data.draw(st.sampled_from(ENCODERS))
    estimator = data.draw(st.sampled_from(CLASSIFIERS))
    labels: list[Any] = data.draw(st.sampled_from(LABELS))
    target = pd.Series((labels * len(table))[: len(table)])
    hold(make_pipeline(prepare(encoder), estimator), table, target, tmp_path)


@checks
@given(table=tables(), data=st.data())
def test_a_regressor_that_is_loaded_and_saved_is_the_same_file(
    table: pd.DataFrame, data: st.DataObject, tmp_path: Path
) -> None:
    encoder = data.draw(st.sampled_from(ENCODERS))
    estimator = data.draw(st.sampled_from(REGRESSORS))
    target = pd.Series(np.arange(len(table)) * 0.5 + table["b"].fillna(0))
    hold(make_pipeline(prepare(encoder), estimator), table, target, tmp_path)


@checks
@given(table=tables())
def test_classes_and_functions_of_the_team_are_the_same_file(
    table: pd.DataFrame, helpers: ModuleType, tmp_path: Path
) -> None:
    logs = FunctionTransformer(helpers.log)
    prepared = ColumnTransformer(
        [("filled", make_pipeline(SimpleImputer(keep_empty_features=True), logs), NUMBERS)]
    )
    target = pd.Series((["no", "yes"] * len(table))[: len(table)])
    hold(make_pipeline(prepared, helpers.Nearest()), table, target, tmp_path)


def test_what_is_written_in_a_few_words_is_the_same_file(tmp_path: Path) -> None:
    texts = ColumnTransformer([("tfidf", TfidfVectorizer(), "c")])
    union = FeatureUnion([("one", texts), ("two", prepare(one_hot()))])
    table = pd.DataFrame({"a": range(20), "b": 1.5, "c": ["x yy", "yy zzz"] * 10, "d": "same"})
    hold(make_pipeline(union, LogisticRegression()), table, [0, 1] * 10, tmp_path)


def test_labels_of_any_kind_in_xgboost_are_the_same_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": range(20), "b": 1.5, "c": ["x", "y"] * 10, "d": "same"})
    model = make_pipeline(prepare(one_hot()), XGBClassifier(n_estimators=3, n_jobs=1))
    hold(model, table, [0, 1] * 10, tmp_path)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import pandas as pd
from churn_radar import helpers
from churn_radar.mlops.modeling.storage import save_model
from sklearn.pipeline import make_pipeline
table = pd.DataFrame({"a": range(20), "b": [1, 2, 3, 4] * 5})
model = make_pipeline(helpers.Nearest()).fit(table, [f"label {n % 5}" for n in range(20)])
save_model(model, Path(sys.argv[2]))
"""


def test_another_process_writes_the_same_file(helpers: ModuleType, tmp_path: Path) -> None:
    folder = Path(helpers.__file__ or "").parents[1]
    for seed in "12":  # of Python's hashes, by which a set is ordered
        path = tmp_path / f"{seed}.skops"
        command = [sys.executable, "-c", SCRIPT, str(folder), str(path)]
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, check=True)
    assert (tmp_path / "1.skops").read_bytes() == (tmp_path / "2.skops").read_bytes()


class Restless(RegressorMixin, BaseEstimator):
    """An estimator of the team's whose state changes whenever it is saved."""

    def fit(self, *_: object) -> Restless:
        self.saves_ = 0
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.zeros(len(x))

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"saves_": self.saves_ + 1}


class Settling(Restless):
    """One whose state is another after loading, and stays as it is then."""

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"saves_": 1}


def test_what_changes_once_is_saved_as_it_stays_and_what_never_rests_is_refused(
    helpers: ModuleType, tmp_path: Path
) -> None:
    for kind in (Restless, Settling):
        kind.__module__ = helpers.__name__
        setattr(helpers, kind.__name__, kind)
    table = pd.DataFrame({"a": range(9)})
    hold(make_pipeline(Settling()), table, range(9), tmp_path)
    path = tmp_path / "models" / "restless.skops"
    with pytest.raises(ProjectError, match="another one whenever it is saved"):
        save_model(make_pipeline(Restless()).fit(table), path)
    assert not path.exists()


def test_one_object_fitted_twice_is_the_same_file(tmp_path: Path) -> None:
    rows, target = make_classification(80, random_state=0)
    model = make_pipeline(GradientBoostingClassifier(n_estimators=3, random_state=0))
    for name in ("once", "twice"):
        save_model(model.fit(rows, target), tmp_path / name)
    assert (tmp_path / "once").read_bytes() == (tmp_path / "twice").read_bytes()


def test_a_model_that_holds_itself_is_refused_in_a_sentence(tmp_path: Path) -> None:
    rows, target = make_classification(80, random_state=0)
    boosting = HistGradientBoostingClassifier(
        max_iter=3, early_stopping=True, scoring="roc_auc", random_state=0
    )
    with pytest.raises(ProjectError, match="an estimator in it holds itself"):
        save_model(make_pipeline(boosting).fit(rows, target), tmp_path / "model.skops")


def test_a_saved_model_has_one_hash(finished: Path, tmp_path: Path) -> None:
    trained, again = finished / "models" / "model.skops", tmp_path / "model.skops"
    save_model(load_model(trained), again)
    assert file_hash(again) == file_hash(trained)
