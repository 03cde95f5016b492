"""A champion is scored by the code that it was trained with, with or without its commit."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import CachedClassifier, cache_predictions
from churn_radar.mlops.gates import Reasons
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.inputs import inputs
from churn_radar.mlops.modeling.manifest import SNAPSHOT
from churn_radar.mlops.modeling.metrics import score_rows
from churn_radar.mlops.modeling.predictions import CachedDecider, CachedRegressor
from churn_radar.mlops.modeling.storage import load_model, save_model
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.promotion.rescoring import _read, score_with_own_code
from churn_radar.mlops.tracking import Version, registry
from churn_radar.model import candidates
from sklearn.svm import LinearSVC

Git = Callable[..., None]


@pytest.fixture(autouse=True)
def _registered(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the champion's files be those in models/."""
    monkeypatch.setattr(registry, "fetch", lambda *_: project / "models")


@pytest.fixture
def committed(project: Path, git: Git) -> Path:
    """The project with its code, as its last commit has it."""
    shutil.copytree(team.PACKAGE, project / "src" / team.PACKAGE.name)
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "Code")
    return project


@pytest.mark.parametrize("source", ["its snapshot", "its commit"])
def test_its_own_code_predicts(source: str, config: Config, committed: Path) -> None:
    evidence = Evidence(config, committed)
    table = committed / config.table("processed", "test")
    commit = evidence.commit
    if source == "its commit":  # as of a champion from before there were snapshots
        (committed / "models" / SNAPSHOT).unlink()
    else:  # as after a squash
        commit = "0" * 40
    found = score_with_own_code(committed, commit, committed / "models", table)
    assert isinstance(found, CachedClassifier)
    own = cache_predictions(evidence.model, evidence.features)
    np.testing.assert_array_equal(found.probabilities, own.probabilities)


def test_a_champion_of_other_code_is_scored_by_its_own(
    config: Config, committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Evidence(config, committed).commit
    version = Version(1, {"git_commit": commit}, "run", "source")
    same = Evidence(config, committed, version).cached_champion
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    other = Evidence(config, committed, version).cached_champion
    assert same is not None
    assert other is not None
    np.testing.assert_array_equal(same.predictions, other.predictions)


def test_a_champion_whose_commit_is_gone_is_told(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    (project / "models" / SNAPSHOT).unlink()
    version = Version(1, {"git_commit": "0123456789" * 4}, "run", "source")
    evidence = Evidence(config, project, version)
    with pytest.raises(ProjectError, match="its commit 0123456 is not here: `git fetch`"):
        evidence.cached_champion  # noqa: B018
    evidence = Evidence(config, project, version, reasons=Reasons(uncompared="It is gone."))
    assert evidence.cached_champion is None


@pytest.mark.parametrize("commit", ["", "--output=/tmp/x", "main"])
def test_a_tag_that_is_no_commit_never_reaches_git(commit: str, project: Path) -> None:
    (project / "models" / SNAPSHOT).unlink()
    with pytest.raises(ProjectError, match="names no commit"):
        score_with_own_code(project, commit, project / "models", project / "table.parquet")


def test_another_snapshot_than_its_own_is_refused(config: Config, project: Path) -> None:
    (project / "models" / SNAPSHOT).write_bytes(b"other code")
    table = project / config.table("processed", "test")
    with pytest.raises(ProjectError, match=r"code\.zip is not the code"):
        score_with_own_code(project, "", project / "models", table)


def test_a_champion_whose_files_are_gone_is_told(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> Path:
        raise ProjectError("the files are gone")

    monkeypatch.setattr(registry, "fetch", gone)
    version = Version(1, {}, "run", "source")
    with pytest.raises(ProjectError, match=r"version 1, cannot be scored .* the files are gone"):
        Evidence(config, project, version).cached_champion  # noqa: B018
    reasons = Reasons(uncompared="The disk broke.")
    assert Evidence(config, project, version, reasons=reasons).cached_champion is None


def test_a_commit_that_did_not_train_it_is_told(config: Config, committed: Path, git: Git) -> None:
    features = committed / "src" / team.PACKAGE.name / "features.py"
    features.write_text(features.read_text() + "\nEDITED = True\n")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Edit")
    (committed / "models" / SNAPSHOT).unlink()
    table = committed / config.table("processed", "test")
    commit = Evidence(config, committed).commit
    with pytest.raises(ProjectError, match="other code than it was made with"):
        score_with_own_code(committed, commit, committed / "models", table)


def test_a_champion_without_probabilities_is_scored(config: Config, committed: Path) -> None:
    features, target = inputs(
        config, pd.read_parquet(committed / config.table("processed", "train"))
    )
    model = candidates(config)["linear"]
    model.steps[-1] = ("model", LinearSVC())
    save_model(model.fit(features, target), committed / "models" / "model.skops")
    manifest.write(config, committed)
    table = committed / config.table("processed", "test")
    commit = Evidence(config, committed).commit
    found = score_with_own_code(committed, commit, committed / "models", table)
    assert isinstance(found, CachedDecider)
    test_features, truth = inputs(config, pd.read_parquet(table))
    own = load_model(committed / "models" / "model.skops")
    np.testing.assert_array_equal(found.outputs, own.decision_function(test_features))
    assert score_rows("roc_auc", found, truth.to_numpy(), np.arange(len(truth))) > 0.5


def test_what_an_earlier_version_wrote_is_read_or_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    np.savez(out, predictions=np.array([1.0, 2.0]))
    assert isinstance(_read(out, is_classifier=False), CachedRegressor)
    with pytest.raises(ProjectError, match="classifier without probabilities"):
        _read(out, is_classifier=True)
    np.savez(out, predictions=np.array(["no", "yes"], dtype=object))
    with pytest.raises(ProjectError, match="words as objects"):
        _read(out, is_classifier=True)
