"""A project with two registered versions, and the service of its champion."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.data.validation import checked
from churn_radar.mlops.modeling.inputs import request_columns
from churn_radar.mlops.promotion.golden import as_json
from churn_radar.mlops.serving import log
from machinery.serving import known
from machinery.serving.known import Server
from machinery.serving.logged_rows import PYTHONPATH
from support import once

QUICK = """
serving:
  timeout_seconds: 60
  canary: {stages: [20, 50], stage_seconds: 1, stage_rows: 150}
"""
"""A ramp of seconds, and time enough for a process that starts on a busy machine."""


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log speak, though MLflow silences all loggers when it makes its tables."""
    monkeypatch.setattr(log.LOGGER, "disabled", False)


@pytest.fixture(scope="session")
def served(
    config: Config,
    finished: Path,
    project_root: Path,
    example: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A project whose first version is champion, with a second one beside it.

    It is made once for each task. Each process has a copy, in which it moves the alias.
    """

    def make(root: Path) -> None:
        known.copy_project(finished, project_root / "params.yaml", root)
        with (root / "params.yaml").open("a", encoding="utf-8") as params:
            params.write(QUICK)
        first = known.register(config, root)
        known.make_champion(config, root, first.number)
        known.retrain(config, root, seed=1)
        known.register(config, root)

    made = once(tmp_path_factory, f"served_{example}", make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("served") / "project"))


@pytest.fixture(scope="session")
def server(served: Path) -> Iterator[Server]:
    """The service; whoever changes who is champion brings the first one back."""
    with known.serving(served) as running:
        yield running


@pytest.fixture(scope="session")
def requests(config: Config) -> pd.DataFrame:
    """Rows that hold all rules, others than the golden ones."""
    rows = request_columns(team.simulate(200, config.seed + 1))
    table: pd.DataFrame = checked(team.request(), rows)
    return table


@pytest.fixture(scope="session")
def bodies(requests: pd.DataFrame) -> list[dict[str, Any]]:
    """The same rows as a client sends them."""
    rows: list[dict[str, Any]] = as_json(requests)
    return rows


@pytest.fixture
def files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files alone, for this process and for those that it starts."""
    monkeypatch.delenv("PREDICTION_LOG_URL", raising=False)
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
