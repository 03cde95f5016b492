"""Other answers, other interpreters, awkward places: generated for real."""

from __future__ import annotations

from pathlib import Path

from e2e.copier_runs import copy, pythons, run, succeed
from e2e.learning import learn_with_the_framework
from real_tables import TABLES
from support import git

PYTHONS = pythons()
VERSION = "3.12"


def test_a_starter_of_other_answers_beside_what_was_there(template: Path, tmp_path: Path) -> None:
    """Every answer of the starter is another than the default; nothing of the folder is lost."""
    load, target_column = TABLES["diabetes"]
    load().to_csv(tmp_path / "diabetes.csv", index=False)
    target = tmp_path / "my projects" / "Prognose ü"
    target.mkdir(parents=True)
    (target / "mine.txt").write_text("mine\n")
    git(target, "init", "--quiet", "-b", "master")
    answers = {"preset": "starter", "formatter": "ruff", "project_name": "Abwanderung & Co."}
    answers["framework"] = "lightgbm"
    if VERSION in PYTHONS:
        answers["python_version"] = VERSION
    made = copy(
        template,
        target,
        python=PYTHONS.get(VERSION, ""),
        data_file=str(tmp_path / "diabetes.csv"),
        target_column=target_column,
        **answers,
    )
    assert made.status == 0, made.output
    assert set(made.steps.values()) == {"passed"}
    assert "task: regression" in (target / "params.yaml").read_text()
    assert not (target / "hooks").exists(), "wiring is the template's"
    python = succeed(target, "uv", "run", "--no-sync", "python", "--version")
    assert VERSION not in PYTHONS or python.strip().startswith(f"Python {VERSION}.")
    assert (target / "mine.txt").read_text() == "mine\n"
    assert run(target, "git", "rev-parse", "--verify", "HEAD")[0] != 0, "nothing is committed"
    learn_with_the_framework(target, {"alpha": 1e9}, {"r2": 0.3})


def refused(template: Path, target: Path, reason: str) -> None:
    made = copy(template, target)
    assert made.status != 0
    assert reason in made.output
    assert "Traceback" not in made.output


def test_a_folder_inside_a_repository_is_refused(template: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    refused(template, tmp_path / "inside", "inside the git repository")
    assert not (tmp_path / "inside").exists()
