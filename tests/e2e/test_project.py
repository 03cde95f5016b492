"""The default project, used as its owner would."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from e2e.copier_runs import Generated, run, succeed
from support import git

STEPS = {
    *("lock", "format", "lint", "types", "spelling", "names", "workflows", "secrets"),
    *("files", "data", "pipeline", "tests", "notebooks", "cells"),
}


def test_the_copy_ends_green_and_committed(generated: Generated) -> None:
    assert generated.status == 0, generated.output
    assert generated.steps == dict.fromkeys(STEPS, "passed")
    assert git(generated.path, "log", "--format=%s").count("\n") == 1
    assert git(generated.path, "status", "--porcelain") == ""
    assert "make verify" in generated.output


def test_every_command_of_the_owner_succeeds_and_leaves_no_trace(project: Path) -> None:
    # All that `make verify` runs; that it leaves no trace either is seen where it is promoted.
    assert "passed" in succeed(project, "make", "test")
    succeed(project, "uv", "run", "--no-sync", "pre-commit", "run", "--all-files")
    again = succeed(project, "uv", "run", "--no-sync", "dvc", "repro")
    # DVC cannot see whether code does something else, so a stage of half a second always looks.
    assert re.findall(r"Running stage '(\w+)'", again) == ["code"]
    for command in ("check", "names", "data", "pipeline", "setup", "format", "help"):
        succeed(project, "make", command)
    assert git(project, "status", "--porcelain") == ""


def test_data_goes_to_the_remote_and_comes_back(project: Path) -> None:
    dvc = ["uv", "run", "--no-sync", "dvc"]
    succeed(project, *dvc, "push")
    shutil.rmtree(project / "data" / "processed")
    shutil.rmtree(project / ".dvc" / "cache")
    succeed(project, *dvc, "pull")
    assert (project / "data" / "processed" / "customers_train.parquet").exists()
    assert succeed(project, *dvc, "status").split() == ["code:", "always", "changed"]
    assert git(project, "status", "--porcelain") == ""


def test_metrics_and_plots_are_shown_and_compared(project: Path) -> None:
    dvc = ["uv", "run", "--no-sync", "dvc"]
    params = project / "params.yaml"
    text = params.read_text().replace("C: 1.0", "C: 0.001")
    params.write_text(text.replace("trials: 8", "trials: 0"))  # or tuning would mend it
    succeed(project, "make", "pipeline")
    changes = json.loads(succeed(project, *dvc, "metrics", "diff", "--json"))
    assert "roc_auc" in changes["reports/metrics.json"]
    assert "C" in succeed(project, *dvc, "params", "diff")
    succeed(project, *dvc, "plots", "show")
    assert (project / "dvc_plots" / "index.html").exists()
    git(project, "reset", "--quiet", "--hard")
    succeed(project, *dvc, "checkout")


def test_a_colleague_starts_from_a_clone(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project), "clone")
    clone = tmp_path / "clone"
    succeed(clone, "make", "setup")
    succeed(clone, "make", "pipeline")
    assert git(clone, "status", "--porcelain") == "", "the same data make the same model"
    assert (clone / ".git" / "hooks" / "pre-push").exists()


def test_a_commit_is_held_to_the_rules(project: Path) -> None:
    succeed(project, "make", "setup")  # which installs the git hooks
    (project / "src" / "churn_radar" / "planted.py").write_text('"""A module."""\n\nBadName()\n')
    git(project, "add", "--all")
    status, output = run(project, "git", "commit", "--message", "Try it")
    assert status != 0
    assert "F821" in output


def test_the_bare_files_become_the_same_project(project: Path, tmp_path: Path) -> None:
    for name in git(project, "ls-files").splitlines():
        if name not in ("uv.lock", "dvc.lock") and not name.startswith(("reports/", "data/")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, tmp_path / name)
    git(tmp_path, "init", "--quiet", "-b", "main")
    succeed(tmp_path, "make", "setup")
    assert (tmp_path / "uv.lock").read_bytes() == (project / "uv.lock").read_bytes()
    pointer = "data/raw/customers_raw.csv.dvc"
    assert (tmp_path / pointer).read_text() == (project / pointer).read_text()
