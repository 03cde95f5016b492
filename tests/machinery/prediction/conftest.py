"""A project with a champion in its registry, rows to predict, and the command that does it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.data import chunks
from churn_radar.mlops.prediction.batch import Order, run
from churn_radar.mlops.promotion.promote import register_candidate
from churn_radar.mlops.tracking import registry
from support import once

COMMIT = "a123456789" * 4


@pytest.fixture(scope="session")
def champion_root(
    config: Config,
    finished: Path,
    project_root: Path,
    example: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A project whose candidate is champion, without the gates. Do not change it."""

    def make(root: Path) -> None:
        for name in ("data", "models", "reports"):
            shutil.copytree(finished / name, root / name)
        shutil.copyfile(project_root / "params.yaml", root / "params.yaml")
        version = register_candidate(config, root, COMMIT)
        registry.set_alias(root, config.model.name, "champion", version.number)

    made = once(tmp_path_factory, f"champion_{example}", make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("champion") / "project"))


@pytest.fixture(scope="session")
def requests(config: Config, raw: pd.DataFrame) -> pd.DataFrame:
    """Sound rows without their outcome."""
    known = team.request().to_schema().columns
    outcomes = [name for name in team.raw_table().to_schema().columns if name not in known]
    return raw.drop(columns=outcomes).head(250).reset_index(drop=True)


@pytest.fixture
def csv(requests: pd.DataFrame, tmp_path: Path) -> Path:
    """The rows in a file."""
    path = tmp_path / "customers.csv"
    requests.to_csv(path, index=False)
    return path


Run = Callable[..., str]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 250 rows be several chunks."""
    monkeypatch.setattr(chunks, "ROWS", 100)


@pytest.fixture
def predict(config: Config, champion_root: Path) -> Run:
    """Predicts a file."""

    def call(source: Path, out: Path, **order: str) -> str:
        said: str = run(config, champion_root, Order(source, out, **order))
        return said

    return call


def without_time(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).drop(columns="predicted_at")
