"""Promotions that every gate lets pass, and clones of a project."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import Verdict
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion.evidence import Evidence


@pytest.fixture
def all_pass(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every gate passes, and no time is spent on measuring."""
    metric = config.selection.metric
    measured = {"rows": 9, metric: 0.8, f"{metric}_low": 0.7, f"{metric}_high": 0.9}
    monkeypatch.setattr(Evidence, "measured", measured)
    monkeypatch.setattr(module, "judge", lambda _: iter([("floor", Verdict("passed", "good"))]))


@pytest.fixture
def clone(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Copies what git and DVC bring to a colleague, or leave after a disk broke: no registry."""

    def copied() -> Path:
        folder = tmp_path_factory.mktemp("clones") / "second"
        without_registry = shutil.ignore_patterns("mlflow.db", "mlruns", "runs.json")
        return Path(shutil.copytree(project, folder, ignore=without_registry))

    return copied
