"""The project's workflows: who may do what, and that they call what is there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import Project

PROMOTE = ".github/workflows/promote.yml"
STEP = "Reach the DVC remote"

# What DVC answers to the two questions of the step.
DVC = """\
#!/bin/sh
case "$*" in *default) echo shared ;; *) echo "$URL" ;; esac
"""


def jobs(project: Project, name: str = PROMOTE) -> dict[str, Any]:
    """The jobs of a workflow by their names."""
    found: dict[str, Any] = yaml.safe_load(project.text(name))["jobs"]
    return found


def scripts(project: Project, name: str) -> list[str]:
    """What the steps of a workflow run."""
    steps = [step for job in jobs(project, name).values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def unknown_targets(script: str, makefile: str) -> set[str]:
    """What a script makes and a Makefile does not know."""
    called = set(re.findall(r"(?m)(?:^|[;&|] *|then +)make +([a-z-]+)", script))
    return called - set(re.findall(r"(?m)^([a-z-]+):", makefile))


@pytest.mark.parametrize(
    ("answers", "is_there"),
    [
        ({}, True),
        ({"preset": "custom"}, True),
        ({"ci": "none"}, False),
        ({"preset": "starter", "ci": "github"}, False),
    ],
)
def test_promotion_in_ci_comes_with_promotion_and_ci(
    render: Callable[..., Project], answers: dict[str, str], is_there: bool
) -> None:
    assert (PROMOTE in render(**answers).paths) is is_there


def test_nobody_promotes_alone(render: Callable[..., Project]) -> None:
    promote, propose = jobs(render()).values()
    assert promote["environment"] == "promotion"
    assert promote["if"] == "github.ref_name == github.event.repository.default_branch"
    assert propose["needs"] == "promote"


def test_what_runs_the_projects_code_writes_nothing(render: Callable[..., Project]) -> None:
    workflow = yaml.safe_load(render().text(PROMOTE))
    promote, propose = workflow["jobs"].values()
    assert workflow["permissions"] == {}
    assert promote["permissions"] == {"contents": "read"}
    assert propose["permissions"] == {"contents": "write"}
    commands = "".join(step.get("run", "") for step in propose["steps"])
    assert not re.search(r"\b(make|uv)\b", commands)


@pytest.mark.parametrize("name", [PROMOTE, ".github/workflows/checks.yml"])
def test_workflows_call_targets_that_there_are(render: Callable[..., Project], name: str) -> None:
    found = scripts(render(), name)
    assert any("make " in script for script in found)
    for script in found:
        assert unknown_targets(script, render().text("Makefile")) == set()
        # An expression would be filled in before the shell reads it: as code.
        assert "${{" not in script


def test_a_target_that_is_not_there_is_found() -> None:
    script = "make setup\nif true; then make promte; fi"
    assert unknown_targets(script, "setup:\npromote:\n") == {"promte"}


@pytest.mark.parametrize(
    ("url", "is_shared"), [("{}/.dvc-storage", False), ("s3://bucket/path", True), ("/mnt/x", True)]
)
def test_a_remote_that_ends_with_the_run_stops_it(
    render: Callable[..., Project], tmp_path: Path, url: str, is_shared: bool
) -> None:
    """The champion's files would be lost, and git would name a model that nobody has."""
    (step,) = (step for step in jobs(render())["promote"]["steps"] if step.get("name") == STEP)
    (tmp_path / ".dvc").mkdir()
    uv = tmp_path / "uv"
    uv.write_text(DVC, encoding="utf-8")
    uv.chmod(0o755)
    env = os.environ | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "DVC_CONFIG_LOCAL": "['remote \"shared\"']",
        "URL": url.format(tmp_path),
    }
    command = ["bash", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, encoding="utf-8")
    assert (done.returncode == 0) is is_shared, done.stdout + done.stderr
    assert ("CONTRIBUTING.md says how to move it" in done.stdout) is not is_shared
    assert (tmp_path / ".dvc" / "config.local").read_text() == "['remote \"shared\"']\n"
