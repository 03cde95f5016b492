"""Each framework ends green, and learns the same real table behind the same interface.

The default one, scikit-learn, is in all other tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from answers import CHOICES
from e2e.copier_runs import Generated, clone, copy, pythons, run, succeed
from sklearn.datasets import load_breast_cancer
from support import git

FRAMEWORKS = [name for name in CHOICES["framework"] if name != "scikit-learn"]
PYTHONS = pythons()

# Other answers in the same projects: a copy takes a minute.
ANSWERS = {
    "xgboost": {"tracker": "wandb"},
    "lightgbm": {"preset": "custom", "formatter": "ruff", "ci": "none", "use_docker": "false"},
    "pytorch": {},
}
VERSIONS = {"lightgbm": "3.13"}


def torch_links() -> str:
    """Return where uv finds torch without CUDA: where it is told to look, or else pip is."""
    told = os.environ.get("UV_FIND_LINKS", "")
    if told or os.environ.get("UV_INDEX"):
        return told
    ask = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    asked = subprocess.run(ask, capture_output=True, text=True).stdout
    links = os.environ.get("PIP_FIND_LINKS", asked).split()
    if not links:
        pytest.fail("name what lists a build of torch for CPUs: UV_FIND_LINKS, or UV_INDEX")
    return ",".join(links)


@pytest.fixture(scope="module", params=FRAMEWORKS)
def made(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generated]:
    """A project of each framework, made once."""
    answers = dict(ANSWERS[request.param])
    version = VERSIONS.get(request.param, "")
    if version in PYTHONS:
        answers["python_version"] = version
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pytorch" and sys.platform == "linux":
            patch.setenv("UV_FIND_LINKS", torch_links())
        target = tmp_path_factory.mktemp(request.param) / "churn-radar"
        python = PYTHONS.get(version, "")
        yield copy(template, target, python=python, framework=request.param, **answers)


def test_a_framework_ends_green(made: Generated) -> None:
    assert made.status == 0, made.output
    assert set(made.steps.values()) == {"passed"}
    assert git(made.path, "status", "--porcelain") == ""
    assert 'name = "nvidia' not in (made.path / "uv.lock").read_text(), "CUDA is locked"


def test_a_framework_and_a_tracker_have_a_champion(made: Generated) -> None:
    assert "as the first" in succeed(made.path, "make", "promote", "WHY=the first")
    status, output = run(made.path, "make", "promote", "WHY=again")
    assert status != 0
    assert "it is the champion already, version 1" in output
    status, output = run(made.path, "make", "rollback")
    assert status != 0
    assert "no previous champion" in output
    assert "`make gc YES=1` would free" in succeed(made.path, "make", "gc")
    assert git(made.path, "status", "--porcelain") == ""


def test_a_framework_learns_a_real_table(made: Generated, tmp_path: Path) -> None:
    project = clone(made, tmp_path)
    load_breast_cancer(as_frame=True).frame.to_csv(tmp_path / "tumours.csv", index=False)
    succeed(project, "make", "wire", f"DATA={tmp_path / 'tumours.csv'}", "TARGET=target")
    git(project, "add", "--all")
    succeed(project, "make", "test")
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["model"]["linear"] = {"C": 1e-6}  # hardly learns, so the framework's own is chosen
    params["tuning"] = {"trials": 0}
    params["selection"]["metric"] = "neg_log_loss"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    stages = ("ingest", "validate", "split", "train", "evaluate")
    succeed(project, "uv", "run", "--no-sync", "churn-radar", "pipeline", *stages)
    chosen = json.loads((project / "reports" / "selection.json").read_text())["chosen"]
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    assert chosen in {"boosting", "network"}
    assert metrics["accuracy"] > 0.92
    assert metrics["log_loss"] < 0.2
    assert metrics["neg_log_loss_low"] < metrics["neg_log_loss"] < metrics["neg_log_loss_high"]
