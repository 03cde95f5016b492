"""Other answers, other interpreters, awkward places: generated for real."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.copier_runs import copy, pythons, run, succeed
from support import git

PYTHONS = pythons()
ANSWERS = {
    "3.11": {"preset": "starter"},
    "3.12": {"preset": "starter", "task": "regression", "formatter": "ruff"},
    "3.13": {"preset": "custom", "formatter": "ruff", "ci": "none", "use_docker": "false"},
}


@pytest.mark.parametrize("version", PYTHONS)
def test_other_answers_end_green(version: str, template: Path, tmp_path: Path) -> None:
    answers = ANSWERS[version] | {"python_version": version, "project_name": "Abwanderung & Co."}
    target = tmp_path / "my projects" / "Prognose ü"
    made = copy(template, target, python=PYTHONS[version], **answers)
    assert made.status == 0, made.output
    assert set(made.steps.values()) == {"passed"}
    assert git(target, "status", "--porcelain") == ""
    python = succeed(target, "uv", "run", "--no-sync", "python", "--version")
    assert python.strip().startswith(f"Python {version}.")


def refused(template: Path, target: Path, reason: str) -> None:
    made = copy(template, target)
    assert made.status != 0
    assert reason in made.output
    assert "Traceback" not in made.output


def test_a_folder_inside_a_repository_is_refused(template: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    refused(template, tmp_path / "inside", "inside the git repository")
    assert not (tmp_path / "inside").exists()


def test_what_was_in_the_folder_stays_as_it_was(template: Path, tmp_path: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    (target / "mine.txt").write_text("mine\n")
    git(target, "init", "--quiet", "-b", "master")
    made = copy(template, target, preset="starter")
    assert made.status == 0, made.output
    assert (target / "mine.txt").read_text() == "mine\n"
    assert run(target, "git", "rev-parse", "--verify", "HEAD")[0] != 0, "nothing is committed"
