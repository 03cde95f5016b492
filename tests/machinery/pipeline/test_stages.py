"""The stages are found by name."""

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.pipeline import STAGES, stage


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ProjectError, match="choose from ingest"):
        stage("deploy")


def test_every_stage_is_there() -> None:
    assert [stage(name).__name__ for name in STAGES] == [*STAGES]
    assert len(STAGES) == 8
