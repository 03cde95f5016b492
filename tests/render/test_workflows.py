"""The project's workflows: who may do what, and that they call what is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import Project, commit, git

PROMOTE = ".github/workflows/promote.yml"
CHECKS = ".github/workflows/checks.yml"
UPDATE = ".github/workflows/template-update.yml"
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


def run_step(
    project: Project,
    job: str,
    name: str,
    cwd: Path,
    tools: dict[str, str],
    workflow: str = CHECKS,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run a step of a workflow as GitHub does, with scripts in the place of some commands."""
    (step,) = (step for step in jobs(project, workflow)[job]["steps"] if step.get("name") == name)
    bin_folder = cwd / "bin"
    bin_folder.mkdir(exist_ok=True)
    for tool, script in tools.items():
        (bin_folder / tool).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (bin_folder / tool).chmod(0o755)
    path = {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | path | env, capture_output=True, encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("uv", "make", "passes", "compared", "summary"),
    [
        ("exit 0", 'echo "a table with $1 $2" > reports/compare.md', True, True, "WITH=develop"),
        ("exit 1", "exit 2", True, False, "Not compared with develop: CI cannot reach the model"),
        ("exit 0", "echo no model > reports/compare.md; exit 2", True, False, "no model"),
        # It left no sentence, so it broke.
        ("exit 0", "exit 2", False, False, ""),
    ],
    ids=["both models", "no remote", "no model", "broken"],
)
def test_the_summary_of_a_pull_request_has_the_comparison_or_says_why_not(
    render: Callable[..., Project],
    tmp_path: Path,
    uv: str,
    make: str,
    passes: bool,
    compared: bool,
    summary: str,
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "report.html").write_text("of the commit")
    commit(tmp_path, "The base")
    base = git(tmp_path, "rev-parse", "HEAD")
    commit(tmp_path, "What would be merged")
    git(tmp_path, "checkout", "--quiet", "--detach")
    written = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in written.values():
        Path(path).touch()
    kept = tmp_path / "kept"
    kept.mkdir()
    step = "Compare the committed model with that of the branch that it goes to"
    tools = {"uv": uv, "make": make}
    done = run_step(
        render(),
        "pipeline",
        step,
        tmp_path,
        tools,
        BASE="develop",
        RUNNER_TEMP=str(kept),
        **written,
    )
    assert (done.returncode == 0) is passes, done.stderr
    assert git(tmp_path, "rev-parse", "develop") == base
    outputs = Path(written["GITHUB_OUTPUT"]).read_text().splitlines()
    assert ("compared=true" in outputs) is compared
    # The pipeline on the slice writes another report.
    assert (f"report={kept}/report.html" in outputs) is compared
    assert (kept / "report.html").exists() is compared
    assert summary in Path(written["GITHUB_STEP_SUMMARY"]).read_text()


@pytest.mark.parametrize(
    ("there", "compared", "calls"),
    [
        ("", "true", ["repos/a/b/issues/7/comments"]),
        ("42; echo 43", "true", ["--method PATCH repos/a/b/issues/comments/42"]),
        # What it says is of a push before.
        ("42", "false", ["--method PATCH repos/a/b/issues/comments/42"]),
        ("", "false", []),
    ],
    ids=["first", "again", "corrected", "none"],
)
def test_a_pull_request_has_one_comment_that_is_written_again(
    render: Callable[..., Project], tmp_path: Path, there: str, compared: str, calls: list[str]
) -> None:
    (tmp_path / "compare.md").write_text("| a | table |\n")
    (tmp_path / "calls").touch()
    # The first call lists the comments.
    gh = f'case "$*" in *--jq*) echo {there} ;; *) echo "$*" >> calls ;; esac'
    env = {"GITHUB_REPOSITORY": "a/b", "NUMBER": "7", "COMPARED": compared}
    env |= {"COMMIT": "1a2b3c4", "REPORT": "https://example.org/1"}
    step = "Write the comment, or write it again"
    done = run_step(render(), "comment", step, tmp_path, {"gh": gh}, **env)
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "calls").read_text().splitlines()
    assert made == [f"api --silent {call} --field body=@comment.md" for call in calls]
    assert (tmp_path / "comment.md").read_text() == (
        "<!-- make compare -->\n| a | table |\n\n"
        "Of commit 1a2b3c4: [report](https://example.org/1)\n"
    )


def test_what_comments_runs_none_of_the_projects_code(render: Callable[..., Project]) -> None:
    workflow = yaml.safe_load(render().text(CHECKS))
    comment = workflow["jobs"].pop("comment")
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert comment["permissions"] == {"pull-requests": "write"}
    commands = "".join(step.get("run", "") for step in comment["steps"])
    assert not re.search(r"\b(uv|python|make (?!compare -->))", commands)
    assert not any("checkout" in step.get("uses", "") for step in comment["steps"])


def test_the_report_is_an_artifact_that_the_summary_links(render: Callable[..., Project]) -> None:
    steps = jobs(render(), CHECKS)["pipeline"]["steps"]
    upload, link = steps[-2:]
    # As it is, so that a browser shows it.
    assert upload["with"]["archive"] is False
    assert upload["with"]["path"].endswith("|| 'reports/report.html' }}")
    assert link["env"]["REPORT"] == f"${{{{ steps.{upload['id']}.outputs.artifact-url }}}}"
    assert link["run"].endswith('($REPORT)" >> "$GITHUB_STEP_SUMMARY"')


# Not every machine has jq, as GitHub's have.
JQ = f"""exec {sys.executable} -c 'import json, sys
print(*json.load(open(sys.argv[-1]))["newer"][-1:])' "$@"
"""
NO_BRANCH = "exit 1"
NO_REQUEST = "echo 0"


@pytest.mark.parametrize(
    ("source", "newer", "branch", "requests", "version", "summary"),
    [
        ("https://example.org/t.git", '["v1", "v2"]', NO_BRANCH, NO_REQUEST, "v2", ""),
        ("git@example.org:a/t.git", '["v2"]', NO_BRANCH, NO_REQUEST, "v2", ""),
        ("gh:a/t", '["v2"]', NO_BRANCH, NO_REQUEST, "v2", ""),
        ("gh:a/t", "[]", NO_BRANCH, NO_REQUEST, "", "no newer release"),
        ("gh:a/t", '["v2"]', "exit 0", NO_REQUEST, "", "update/v2 is there already"),
        ("gh:a/t", '["v2"]', NO_BRANCH, "echo 1", "", "v2 was declined"),
        ("/srv/templates/t", '["v2"]', NO_BRANCH, NO_REQUEST, "", "a folder of another machine"),
    ],
    ids=["url", "ssh", "short", "none", "a branch", "closed", "a folder"],
)
def test_a_release_is_proposed_once(
    render: Callable[..., Project],
    tmp_path: Path,
    source: str,
    newer: str,
    branch: str,
    requests: str,
    version: str,
    summary: str,
) -> None:
    (tmp_path / ".copier-answers.yml").write_text(f"_commit: v1\n_src_path: {source}\n")
    written = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in written.values():
        Path(path).touch()
    # Something is to do, so that make ends with an error.
    make = f'echo \'{{"status": "to do", "newer": {newer}}}\'; exit 2'
    gh = f'case "$*" in api*) {branch} ;; *) {requests} ;; esac'
    step = "Look for a release that nobody has decided on"
    env = {"GITHUB_REPOSITORY": "a/b", "RUNNER_TEMP": str(tmp_path)} | written
    tools = {"make": make, "gh": gh, "jq": JQ}
    done = run_step(render(), "update", step, tmp_path, tools, workflow=UPDATE, **env)
    assert done.returncode == 0, done.stderr
    assert Path(written["GITHUB_OUTPUT"]).read_text() == (f"version={version}\n" if version else "")
    assert summary in Path(written["GITHUB_STEP_SUMMARY"]).read_text()


def test_a_doctor_that_says_nothing_fails_the_look_for_a_release(
    render: Callable[..., Project], tmp_path: Path
) -> None:
    (tmp_path / ".copier-answers.yml").write_text("_src_path: gh:a/t\n")
    step = "Look for a release that nobody has decided on"
    tools = {"make": "exit 2", "gh": "exit 0"}
    env = {"RUNNER_TEMP": str(tmp_path)}
    done = run_step(render(), "update", step, tmp_path, tools, workflow=UPDATE, **env)
    assert done.returncode != 0


def test_what_proposes_an_update_runs_none_of_the_projects_code(
    render: Callable[..., Project],
) -> None:
    workflow = yaml.safe_load(render().text(UPDATE))
    update, propose = workflow["jobs"].values()
    assert workflow["permissions"] == {}
    assert update["permissions"] == {"contents": "read", "pull-requests": "read"}
    assert propose["permissions"] == {"contents": "write", "pull-requests": "write"}
    commands = "".join(step.get("run", "") for step in propose["steps"])
    assert not re.search(r"\b(make|uv|python)\b", commands)
    assert "secrets" not in str(update["steps"][-2]["env"])


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


@pytest.mark.parametrize("name", [PROMOTE, CHECKS, UPDATE])
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
