"""What git says of the project, and what it is asked not to disturb."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.git import commit_of, git, tree_hash


def test_a_folder_without_a_repository_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""
    assert tree_hash(tmp_path) == ""
    with pytest.raises(ProjectError, match="git log failed"):
        git(tmp_path, "log")


def test_where_git_is_not_installed_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProjectError, match="git is not on PATH"):
        git(tmp_path, "log")


def test_the_tree_of_all_files_is_that_of_the_commit_to_come(
    project: Path, git: Callable[..., None]
) -> None:
    (project / "new.txt").write_text("new\n")
    (project / "dvc.yaml").unlink()
    status = ["git", "-C", str(project), "status", "--porcelain"]
    before = subprocess.check_output(status)
    found = tree_hash(project)
    assert subprocess.check_output(status) == before, "what is staged is not touched"
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "All of it")
    of_commit = subprocess.check_output(["git", "-C", str(project), "rev-parse", "HEAD^{tree}"])
    assert of_commit.decode().strip() == found
