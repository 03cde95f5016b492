"""Git keeps notebooks without output, their files keep it, and what git keeps is checked."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from churn_radar.mlops import team
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.git import git
from churn_radar.mlops.notebooks import check_content, refresh, set_filter
from churn_radar.mlops.verify.steps import MAX_BYTES

TEMPLATE = Path(__file__).parents[3] / "template"
NAME = "notebooks/01-look.ipynb"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAA" + "AKIA" + "IOSFODNN7EXAMPLX"
HOOK = """\
repos:
  - repo: local
    hooks: [{id: nothing, name: nothing, entry: git --version, language: system, files: x}]
"""


@pytest.fixture
def repository(project_root: Path, tmp_path: Path) -> Path:
    shutil.copy(TEMPLATE / ".gitattributes", tmp_path)
    shutil.copy(project_root / "pyproject.toml", tmp_path)
    git(tmp_path, "init", "--quiet", "-b", "main")
    return tmp_path


def write(root: Path, source: str = "1 + 1", picture: str = PICTURE, version: str = "") -> None:
    """Write a notebook as Jupyter does once it was run."""
    output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    cell = {"cell_type": "code", "execution_count": 1, "id": "0", "metadata": {}}
    notebook = {
        "cells": [cell | {"outputs": [output] if picture else [], "source": [source]}],
        "metadata": {"language_info": {"name": "python", "version": version}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / NAME).parent.mkdir(exist_ok=True)
    (root / NAME).write_text(json.dumps(notebook, indent=1) + "\n")


def test_a_notebook_is_committed_without_output_and_keeps_its_pictures(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(team.PACKAGE.parent))
    (repository / ".pre-commit-config.yaml").write_text(HOOK)
    subprocess.run(["pre-commit", "install"], cwd=repository, check=True, capture_output=True)
    set_filter(repository)
    write(repository)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Look")
    assert PICTURE not in git(repository, "show", f"HEAD:{NAME}")
    assert PICTURE in (repository / NAME).read_text()
    # Run once more, by another version of Python, and committed beside other work.
    write(repository, picture=PICTURE[::-1], version="3.13.9")
    assert git(repository, "diff", "HEAD") == ""
    refresh(repository)
    assert git(repository, "status", "--porcelain") == ""
    write(repository, picture=2 * PICTURE)
    (repository / "one.txt").write_text("x\n")
    git(repository, "add", "one.txt")
    # Before a hook runs, pre-commit takes away what is not staged.
    (repository / "pyproject.toml").write_text("[project]\n")
    git(repository, "commit", "--quiet", "--message", "Something else")
    assert 2 * PICTURE in (repository / NAME).read_text()
    check_content(repository, [NAME], MAX_BYTES)


def test_output_that_git_would_keep_is_refused(repository: Path) -> None:
    write(repository)
    message = rf"stripped {NAME}\nrun `make setup`, then `git add --renormalize`"
    with pytest.raises(ProjectError, match=message):
        check_content(repository, [NAME], MAX_BYTES)
    # It was staged before the filter was there.
    git(repository, "add", "--all")
    set_filter(repository)
    with pytest.raises(ProjectError, match=message):
        check_content(repository, [NAME], MAX_BYTES)
    git(repository, "add", "--renormalize", NAME)
    check_content(repository, [NAME], MAX_BYTES)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (f"key = '{PICTURE[-20:]}'", "take it out and revoke it"),
        ("# rec" + "ieve the rows", "respell it"),
        ("x = 1\n" * 200_000, "larger than 1 MB without output"),
    ],
    ids=["a secret", "a misspelled word", "a large one"],
)
def test_what_git_keeps_is_checked(source: str, named: str, repository: Path) -> None:
    set_filter(repository)
    for is_new in (True, False):
        if not is_new:
            write(repository)
            git(repository, "add", "--all")
        write(repository, source, picture="")
        with pytest.raises(ProjectError, match=f"{NAME}[\\s\\S]*{named}"):
            check_content(repository, [NAME], MAX_BYTES)


def test_without_its_environment_git_goes_on_and_the_check_refuses(repository: Path) -> None:
    set_filter(repository)
    git(repository, "config", "filter.nbstripout.clean", "/gone/python -m nbstripout")
    write(repository)
    git(repository, "add", "--all")
    with pytest.raises(ProjectError, match="would have stripped"):
        check_content(repository, [NAME], MAX_BYTES)
