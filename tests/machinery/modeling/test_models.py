"""The candidates of the template, as a new project has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar import model as module
from churn_radar.mlops import Config, Feature
from churn_radar.mlops.modeling.storage import load_model, save_model

RNG = np.random.default_rng(1)
CODES = np.arange(2_000) % 400
TABLE = pd.DataFrame(
    {
        "age": RNG.normal(size=2_000),
        "place": pd.Series([f"place {code}" for code in CODES]),
        "kind": pd.Series([*"abcd"] * 500),
        "word": pd.Series([f"word {code % 51}" if code % 9 else None for code in CODES]),
    }
)
TARGETS = {
    "binary": pd.Series(np.where((CODES % 7 > 3) ^ (RNG.random(2_000) < 0.1), "yes", "no")),
    "classes": pd.Series((CODES % 3).astype(str)),
    "counts": pd.Series(CODES % 7),
    "numbers": pd.Series(CODES / 7 + RNG.normal(size=2_000)),
}


@pytest.fixture(autouse=True)
def _features(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"age": "numeric", "place": "categorical", "kind": "categorical", "word": "categorical"}
    features = tuple(Feature(name, kind, "a", "b", "c") for name, kind in kinds.items())
    monkeypatch.setattr(module, "FEATURES", features)


def configured(task: str) -> Config:
    return Config.model_validate(
        {
            "task": task,
            "seed": 7,
            "data": {"name": "people", "raw": "data/raw/people_raw.csv", "target": "label"},
            "selection": {"metric": "accuracy"},
            "model": {"name": "radar", "boosting": {"max_iter": 20}},
        }
    )


@pytest.mark.parametrize(
    ("task", "target", "columns"),
    [
        ("classification", "binary", 1 + 4 + 2),
        ("classification", "classes", 1 + 4 + 2 * 3),
        ("regression", "counts", 1 + 4 + 2),
        ("regression", "numbers", 1 + 4 + 2),
    ],
)
def test_a_category_of_many_values_becomes_its_mean_target(
    task: str, target: str, columns: int, tmp_path: Path
) -> None:
    labels = TARGETS[target]
    files = set()
    for name, model in module.candidates(configured(task)).items():
        for path in (tmp_path / f"{name}.skops", tmp_path / f"{name}_again.skops"):
            save_model(model.fit(TABLE, labels), path)
            files.add(path.read_bytes())
        assert model[:-1].transform(TABLE).shape == (2_000, columns)
        unseen = TABLE.assign(place="a place that nobody saw", word=None)
        loaded = load_model(path)
        np.testing.assert_array_equal(loaded.predict(unseen), model.predict(unseen))
    assert len(files) == 3  # the same file for each training
    assert model.score(TABLE, labels) > 0.8


def test_the_mean_of_a_row_never_holds_its_own_target() -> None:
    rows = TABLE.assign(place=[f"only {n}" for n in range(2_000)])
    for name, model in module.candidates(configured("classification")).items():
        score = model.fit(rows[["age", "place", "kind", "word"]], TARGETS["binary"])
        if name == "linear":
            weights = dict(zip(model[:-1].get_feature_names_out(), score[-1].coef_[0], strict=True))
            assert abs(weights["many_values__place"]) < 0.5
