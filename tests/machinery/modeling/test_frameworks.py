"""The models that each framework brings learn whatever target a table may have."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from assembled import importable
from churn_radar.mlops import Feature
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config, load_config
from churn_radar.mlops.modeling import storage
from support import Project

FRAMEWORKS = ("scikit-learn", "xgboost", "lightgbm")
"""PyTorch is not in this environment: tests/e2e brings it."""

Labelled = tuple[pd.DataFrame, pd.Series]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """The answer."""
    return str(request.param)


@pytest.fixture(scope="module")
def model(framework: str) -> ModuleType:
    """The framework's model.py, in a package of its own."""
    package = f"radar_of_{framework.replace('-', '_')}"
    importable(package, framework=framework)
    return import_module(f"{package}.model")


@pytest.fixture(scope="module")
def settings(framework: str, render: Callable[..., Project]) -> Config:
    """The settings that a project with the framework is born with, with fewer rounds."""
    config = load_config(render(framework=framework).path)
    return config.with_settings("boosting", {"max_iter": 30})


def doing(config: Config, task: str) -> Config:
    """The settings for another task, without those of a linear model that has other ones there."""
    model = config.model.model_copy(update={"linear": {}})
    return config.model_copy(update={"task": task, "model": model})


@pytest.mark.parametrize("labels", [[3, 5], [-1, 0, 2], ["no", "yes"], ["a", "b", "c"]], ids=str)
def test_labels_of_any_kind_come_back(
    labels: list[object], model: ModuleType, settings: Config, labelled: Labelled
) -> None:
    features = labelled[0].head(120)
    target = pd.Series(labels * (120 // len(labels)), index=features.index)
    for candidate in model.candidates(doing(settings, "classification")).values():
        candidate.fit(features, target)
        assert candidate.classes_.tolist() == labels
        assert set(candidate.predict(features)) <= set(labels)
        assert candidate.predict_proba(features).shape == (120, len(labels))


def test_numbers_of_any_size_are_learned(
    model: ModuleType, settings: Config, labelled: Labelled
) -> None:
    features = labelled[0]
    first = features.iloc[:, 0]
    numeric = pd.api.types.is_numeric_dtype(first)
    target = 1e6 + 1e4 * (first.fillna(0) if numeric else first.astype("category").cat.codes)
    for name, candidate in model.candidates(doing(settings, "regression")).items():
        score = candidate.fit(features, target).score(features, target)
        assert score > 0.9 or name == "baseline"


def test_what_is_learned_again_is_the_same_file(
    monkeypatch: pytest.MonkeyPatch,
    model: ModuleType,
    settings: Config,
    labelled: Labelled,
    tmp_path: Path,
) -> None:
    # The gate `reproducible` asks for it, of whichever candidate is chosen. Here the package has
    # another name than the one that is trusted.
    monkeypatch.setattr(storage, "TRUSTED", re.compile(".*"))
    for name in ("linear", "boosting"):
        hashes = set()
        for _ in range(2):
            candidate = model.candidates(doing(settings, "classification"))[name]
            storage.save_model(candidate.fit(*labelled), tmp_path / name)
            hashes.add(file_hash(tmp_path / name))
        assert len(hashes) == 1, name


def test_a_category_of_many_values_becomes_few_columns(
    monkeypatch: pytest.MonkeyPatch, model: ModuleType, settings: Config
) -> None:
    place = Feature("place", "categorical", "team", "source", "reason")
    monkeypatch.setattr(model, "FEATURES", (place,))
    rows = pd.DataFrame({"place": [f"place {n % 2000}" for n in range(10_000)]})
    target = pd.Series([0, 1] * 5_000)
    pipeline = model.candidates(settings)["linear"]
    assert pipeline[:-1].fit_transform(rows, target).shape[1] <= 50
