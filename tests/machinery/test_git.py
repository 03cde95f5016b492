"""What git says of the project, and what it is asked not to disturb."""

import os
import subprocess
import time
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


def test_an_edit_within_the_second_of_staging_is_in_the_tree(
    tmp_path: Path, git: Callable[..., None]
) -> None:
    git("init", "--quiet", "-b", "main")
    path = tmp_path / "params.yaml"
    path.write_text("C: 1\n")
    git("add", "--all")
    staged = tree_hash(tmp_path)
    times = path.stat()
    # As long as before, so that only its time can tell.
    path.write_text("C: 2\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    # Git looks closer at files as young as its index: a copy of that must not be younger.
    time.sleep(1.1)
    assert tree_hash(tmp_path) != staged
