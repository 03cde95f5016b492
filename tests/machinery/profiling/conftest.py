"""A finished project that may be spoilt, and what was measured of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.profiling import latency, profile


@pytest.fixture(scope="session")
def profiled(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished project, to be spoilt."""
    return shutil.copytree(finished, tmp_path_factory.mktemp("profile") / "project")


@pytest.fixture(scope="session")
def measured(config: Config, profiled: Path) -> dict[str, Any]:
    """What is really measured, with few calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "SECONDS", 0.01)
        # Training has the package from the project; prediction needs it installed.
        patch.setenv("PYTHONPATH", str(team.PACKAGE.parent))
        facts: dict[str, Any] = profile.measure(config, profiled)
        return facts
