"""A champion is scored by the code of the commit that it was trained with."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import CachedClassifier, cache_predictions
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.promotion.old_champion import score_with_own_code
from churn_radar.mlops.tracking import Version

Git = Callable[..., None]


@pytest.fixture
def committed(project: Path, git: Git) -> Path:
    """The project with its code, as its last commit has it."""
    shutil.copytree(team.PACKAGE, project / "src" / team.PACKAGE.name)
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "Code")
    return project


def test_the_code_of_its_commit_predicts(config: Config, committed: Path) -> None:
    evidence = Evidence(config, committed, None, None)
    table = committed / config.table("processed", "test")
    found = score_with_own_code(committed, evidence.commit, committed / "models", table)
    assert isinstance(found, CachedClassifier)
    own = cache_predictions(evidence.model, evidence.features)
    np.testing.assert_array_equal(found.probabilities, own.probabilities)


def test_a_champion_of_other_code_is_scored_by_its_own(
    config: Config, committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Evidence(config, committed, None, None).commit
    version = Version(1, {"git_commit": commit}, "run", "source")
    same = Evidence(config, committed, version, committed / "models").champion
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    other = Evidence(config, committed, version, committed / "models").champion
    assert same is not None
    assert other is not None
    np.testing.assert_array_equal(same.predictions, other.predictions)


def test_a_champion_whose_commit_is_gone_is_told(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    version = Version(1, {"git_commit": "0123456789"}, "run", "source")
    evidence = Evidence(config, project, version, project / "models")
    with pytest.raises(ProjectError, match="its commit 0123456 is not here: `git fetch`"):
        evidence.champion  # noqa: B018
    assert Evidence(config, project, version, project / "models", uncompared=True).champion is None


def test_a_commit_that_did_not_train_it_is_told(config: Config, committed: Path, git: Git) -> None:
    features = committed / "src" / team.PACKAGE.name / "features.py"
    features.write_text(features.read_text() + "\n# Edited\n")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Edit")
    table = committed / config.table("processed", "test")
    commit = Evidence(config, committed, None, None).commit
    with pytest.raises(ProjectError, match="other code than it was made with"):
        score_with_own_code(committed, commit, committed / "models", table)
