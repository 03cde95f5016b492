"""The exams that others wrote: sp-repo-review for a project, zizmor for every workflow."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from repo_review.processor import process
from support import ROOT, Project, commit

# Decision 6 says why these two stay unanswered, and why the family PC is not counted.
DECLINED = {"PY007", "SEC001"}

# Whoever opens an issue chooses what this shell runs.
UNSAFE = """\
name: unsafe
on: issues
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.issue.title }}"
"""


def zizmor(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run zizmor of this environment without network."""
    # Windows puts it into Scripts, other systems into bin.
    program = Path(sysconfig.get_path("scripts"), "zizmor")
    command = [program, "--offline", "--no-progress", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_a_fresh_project_passes_sp_repo_review(
    render: Callable[..., Project], tmp_path: Path
) -> None:
    project = render().copy(tmp_path / "project")
    commit(project.path, "First commit")
    _, results = process(project.path)
    # A result of None is a check that does not apply.
    counted = [r for r in results if r.result is not None and not r.name.startswith("PC")]
    failed = {result.name for result in counted if not result.result}
    assert failed == DECLINED
    assert len(failed) <= 0.05 * len(counted)


@pytest.mark.parametrize("where", ["template", "project"])
def test_zizmor_finds_nothing_in_the_workflows(render: Callable[..., Project], where: str) -> None:
    root = ROOT if where == "template" else render().path
    done = zizmor("--persona=pedantic", "--strict-collection", root / ".github")
    assert done.returncode == 0, done.stdout


def test_zizmor_refuses_an_unsafe_workflow(tmp_path: Path) -> None:
    workflow = tmp_path / "unsafe.yml"
    workflow.write_text(UNSAFE, encoding="utf-8")
    done = zizmor(workflow)
    assert done.returncode != 0
    assert "template-injection" in done.stdout
