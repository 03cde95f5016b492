"""A finished project that may be spoilt, and what was measured of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.profiling import latency, profile
from support import once

RETURNED = "measured.json"
"""What the measuring returned, beside what it wrote."""


@pytest.fixture(scope="session")
def profiled(
    config: Config, finished: Path, example: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A copy of the finished project, measured with few calls, to be spoilt."""

    def make(root: Path) -> None:
        shutil.copytree(finished, root)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(latency, "SECONDS", 0.01)
            # Training has the package from the project; prediction needs it installed.
            patch.setenv("PYTHONPATH", str(team.PACKAGE.parent))
            facts = profile.measure(config, root)
        (root / RETURNED).write_text(json.dumps(facts), encoding="utf-8")

    made = once(tmp_path_factory, f"profiled_{example}", make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("profile") / "project"))


@pytest.fixture(scope="session")
def measured(profiled: Path) -> dict[str, Any]:
    """What was really measured, as it was returned."""
    facts: dict[str, Any] = json.loads((profiled / RETURNED).read_text(encoding="utf-8"))
    return facts
