"""Fixtures for every room: a finished pipeline, a repository around it, the evidence about it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from assembled import importable
from support import Project, once

importable()

from churn_radar.mlops.checksums import write_with_checksum
from churn_radar.mlops.config import Config
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.promotion import record, restore
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.testing import _alone, config, labelled, raw
from churn_radar.mlops.testing import finished as finished_here

HERE = Path(__file__).parent
TASKS = ("classification",)
"""What a module's tests run with, unless it has a constant TASKS of its own."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs a project with the example of each of its module's tasks."""
    if "example" in metafunc.fixturenames:
        tasks = getattr(metafunc.module, "TASKS", TASKS)
        metafunc.parametrize("example", tasks, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take a warning for an error, as the tests of a project do."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)


@pytest.fixture(scope="session")
def example(request: pytest.FixtureRequest) -> str:
    """The task of the example with which a test runs."""
    return str(request.param)


@pytest.fixture(scope="session")
def project_root(
    example: str, render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The project of the default answers for a task, quick to train. Do not change it."""

    def make(folder: Path) -> None:
        project = render(task=example).copy(folder)
        params = project.path / "params.yaml"
        quick = params.read_text(encoding="utf-8").replace("max_iter: 100", "max_iter: 30")
        params.write_text(quick, encoding="utf-8")

    return once(tmp_path_factory, f"project_{example}", make)


@pytest.fixture(scope="session")
def finished(
    example: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which every stage has run, by the fixture of a project's own tests.

    The stages run once for each task. Each process has a copy, which its tests may run stages in.
    """

    def make(folder: Path) -> None:
        shutil.copytree(request.getfixturevalue("finished_here"), folder)

    made = once(tmp_path_factory, f"finished_{example}", make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("finished") / "project"))


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., None]:
    """Runs git in the test's folder."""

    def run(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    return run


@pytest.fixture
def project(
    config: Config,
    finished: Path,
    tmp_path: Path,
    git: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A copy that may be changed: committed, measured, and without a champion."""
    for name in ("data", "models", "reports"):
        shutil.copytree(finished / name, tmp_path / name)
    (tmp_path / "dvc.yaml").write_text("stages: {train: {cmd: train}}\n")
    (tmp_path / f"{config.data.raw}.dvc").write_text("outs: []\n")
    (tmp_path / ".gitignore").write_text("/models/*\n/reports/*\n/data/**/*.parquet\n")
    git("init", "--quiet", "-b", "main")
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "Start")
    write_with_checksum(tmp_path / "reports" / "profile.json", profile(tmp_path))
    # What DVC itself says and does is tested with whole projects: it takes seconds.
    monkeypatch.setattr(Evidence, "stale", [])
    monkeypatch.setattr(Evidence, "is_verified", True)
    monkeypatch.setattr(record, "dvc", lambda *_, cwd: None)
    monkeypatch.setattr(restore, "dvc", lambda *_, cwd: None)
    return tmp_path


def profile(root: Path) -> dict[str, object]:
    """What the gates that are tested here read of a profile."""
    return {
        "model": manifest.read(root / "models")["sha256"],
        "measured_at": "2999-01-01T00:00:00Z",
    }


@pytest.fixture
def evidence(config: Config, project: Path) -> Evidence:
    """What the gates judge by, without a champion."""
    return Evidence(config, project)
