"""A project from before a practice existed gets it by an update, keeps its own, and is green."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import support
from e2e.copier_runs import run, statuses, succeed
from releases import Releases

NO_QUESTION = "use_serving: { type: bool, default: false, when: false }\n"

APPENDED = {
    ".github/dependabot.yml": "# Of the team: two reviewers.\n",
    ".gitignore": "/scratch/\n",
    ".pre-commit-config.yaml": (
        "      - id: ticket\n        name: the ticket\n        entry: git --version\n"
        "        language: system\n        pass_filenames: false\n        always_run: true\n"
    ),
    "CONTRIBUTING.md": "\n## Our reviews\n\nTwo of us look at each change.\n",
    "Makefile": "\nlabels:  ## Bring the labels of last month\n\t@echo labels\n",
    "README.md": "\n## Who to ask\n\nAda.\n",
    "compose.yaml": "# Of the team: the wiki has the rest.\n",
    "docker/train.Dockerfile": 'LABEL org.opencontainers.image.vendor="Acme"\n',
    "src/churn_radar/mlops/errors.py": '\n\nWIKI = "https://wiki.example.org/errors"\n',
}
"""What the team wrote at the end of the template's files, where the template adds something too."""

CHECKS = ".github/workflows/checks.yml"


@pytest.fixture
def releases(template: Path, tmp_path: Path) -> Releases:
    """v1.0.0, which asks for no service, and v2.0.0, which does."""
    path = tmp_path / "releases"
    support.git(tmp_path, "clone", "--quiet", str(template), str(path))
    support.git(path, "tag", "--delete", "v1.0.0")
    releases = Releases(path, tmp_path / "none.jsonl")
    settings = (path / "copier.yml").read_text("utf-8")
    question = re.compile(r"^use_serving:\n(  .*\n)+", re.MULTILINE)
    assert question.search(settings)
    before = {"copier.yml": lambda text: question.sub(NO_QUESTION, text)}
    releases.release("v1.0.0", before)
    releases.release("v2.0.0", {"copier.yml": lambda _: settings})
    return releases


@pytest.fixture
def project(releases: Releases, tmp_path: Path) -> Path:
    """A project of v1.0.0 with work of its team in twelve files of the template's."""
    place = support.render(releases.path, tmp_path / "project", {}, version="v1.0.0").path
    assert not (place / "src/churn_radar/mlops/serving").exists()
    support.git(place, "init", "--quiet", "-b", "main")
    support.git(place, "add", "--all")
    lock = ["uv", "add", "--quiet", "--no-sync", "--requirements", os.devnull]
    succeed(place, *lock, "--constraints", "tested-versions.txt")
    succeed(place, "uv", "sync", "--quiet", "--locked")
    succeed(place, "uv", "run", "--no-sync", "churn-radar", "setup")
    support.commit(place, "Start")
    # Between packages of the template's, where uv puts it, beside one that serving brings.
    succeed(place, "uv", "add", "--quiet", "pretty-errors>=1.2")
    for name, text in APPENDED.items():
        path = place / name
        path.write_text(path.read_text("utf-8") + text, "utf-8")
    checks = place / CHECKS
    text = checks.read_text("utf-8")
    checks.write_text(text.replace("timeout-minutes: 10\n", "timeout-minutes: 15\n", 1), "utf-8")
    support.commit(place, "A month of work")
    return place


def test_a_project_from_before_serving_gets_it_and_is_green(project: Path) -> None:
    copier = [sys.executable, "-m", "copier", "update", "--trust", "--defaults"]
    status, output = run(project, *copier)
    assert status == 0, output
    assert set(statuses(project).values()) == {"passed"}
    assert support.git(project, "ls-files", "--unmerged") == ""
    assert (project / "src/churn_radar/mlops/serving/app.py").exists()
    assert (project / "docker/serve.Dockerfile").exists()
    for name, text in APPENDED.items():
        assert (project / name).read_text("utf-8").endswith(text), name
    assert "timeout-minutes: 15\n" in (project / CHECKS).read_text("utf-8")
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    listed = {entry.partition(">")[0] for entry in settings["project"]["dependencies"]}
    assert {"pretty-errors", "prometheus-client", "fastapi"} <= listed
    locked = tomllib.loads((project / "uv.lock").read_text("utf-8"))
    assert {"pretty-errors", "fastapi"} <= {package["name"] for package in locked["package"]}
