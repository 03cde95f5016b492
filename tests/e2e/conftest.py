"""One project made for real, with the hooks, the package index and every command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from assembled import importable
from e2e.copier_runs import Generated, clone, copy, run
from e2e.promotions import (
    GATES,
    Snapshot,
    aliases,
    build,
    measured_as_before,
    settle,
    verdicts,
)
from filelock import FileLock
from support import git

# Some tests ask a service by what the tests of the machinery have for it.
importable()


@pytest.fixture(scope="session")
def generated(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The project of the default answers, made once for all processes: tests change clones."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all processes of a run share it
    record = folder / "generated.json"
    with FileLock(record.with_suffix(".lock")):
        if not record.exists():
            made = copy(template, folder / "generated" / "churn-radar")
            facts = {"path": str(made.path), "status": made.status, "output": made.output}
            record.write_text(json.dumps(facts | {"steps": made.steps}), encoding="utf-8")
        facts = json.loads(record.read_text(encoding="utf-8"))
    return Generated(Path(facts["path"]), facts["status"], facts["output"], facts["steps"])


@pytest.fixture(scope="session")
def shared_clone(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clone that `project` lends to one test after another."""
    return clone(generated, tmp_path_factory.mktemp("shared_clone"))


@pytest.fixture
def project(shared_clone: Path) -> Iterator[Path]:
    """The default project, free to be changed: tracked and new files are put back."""
    yield shared_clone
    git(shared_clone, "reset", "--quiet", "--hard")
    git(shared_clone, "clean", "--quiet", "--force", "-d")


@pytest.fixture(scope="session")
def promoted_project(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first model was promoted with every gate, and whose next is as good.

    The first is the one of the copy. The next is not tuned, which would take most of the time.
    """
    project = clone(generated, tmp_path_factory.mktemp("promoted_project"))
    # The copy was verified already.
    (project / "reports" / "verification.json").unlink()
    status, output = run(project, "make", "promote", "WHY=it's the $first")
    assert status == 0, output
    assert "This commit was not verified yet" in output
    assert "verified in " in output
    assert "as the first" in output
    assert aliases(project) == {"champion": 1}
    assert verdicts(project).keys() == GATES
    # Neither the verification nor the promotion leaves anything else.
    left = set(git(project, "status", "--porcelain").split())
    assert left == {"??", "models/champion.dvc", "models/champion.json"}
    settle(project, tuning={"trials": 0}, model={"linear": {"C": 0.5}})
    build(project, "tune", "train", "evaluate", "challenge", "report")
    return project


@pytest.fixture(scope="session")
def snapshot(promoted_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    measured_as_before(promoted_project)
    return Snapshot(promoted_project, tmp_path_factory.mktemp("snapshot"))


@pytest.fixture
def candidate_project(promoted_project: Path, snapshot: Snapshot) -> Iterator[Path]:
    """The project with a sound candidate; put back afterwards."""
    begin = git(promoted_project, "rev-parse", "HEAD").strip()
    yield promoted_project
    git(promoted_project, "reset", "--quiet", "--hard", begin)
    git(promoted_project, "clean", "--quiet", "--force", "-d")
    snapshot.restore()
