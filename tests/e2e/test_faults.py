"""Every step of the verification refuses the fault it exists for, and the hook does too."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.copier_runs import copy, run, statuses
from e2e.faults import QUICK, SLOW, STAGE
from support import commit, git

PACKAGE = Path("src", "churn_radar")
# A copy makes its own lock and model card, and stops at its setup when params.yaml is wrong.
ONLY_IN_A_PROJECT = {"a stale lock", "a bad model name", "a stale model card"}


def failed(project: Path) -> set[str]:
    return {name for name, status in statuses(project).items() if status == "failed"}


@pytest.mark.parametrize("fault", QUICK)
def test_a_fault_fails_its_step(fault: str, project: Path) -> None:
    step, plant, named = QUICK[fault]
    plant(project, project / PACKAGE)
    # Only the step that must refuse it: that it runs with the others is for the tests below.
    status, output = run(project, "uv", "run", "--no-sync", "churn-radar", "check", step)
    assert status != 0
    assert f"{step} failed" in output
    assert named in output
    assert "What to do:" in output


def test_verification_names_every_step_that_fails(project: Path) -> None:
    for _, plant, _ in [*QUICK.values(), *SLOW.values()]:
        plant(project, project / PACKAGE)
    status, output = run(project, "make", "verify")
    assert status != 0
    assert failed(project) == {step for step, _, _ in [*QUICK.values(), *SLOW.values()]}
    assert statuses(project)["pipeline"] == "skipped"
    assert all(f"{step} failed" in output for step in failed(project))


def test_data_that_breaks_a_rule_is_refused(project: Path) -> None:
    raw = project / "data" / "raw" / "customers_raw.csv"
    sound = raw.read_text()
    try:
        raw.write_text(sound.replace(",monthly,", ",weekly,", 1))
        # What the step `data` runs; that it fails with this the test above shows.
        status, output = run(project, "uv", "run", "--no-sync", "dvc", "repro", "validate")
    finally:
        raw.write_text(sound)
    assert status != 0
    assert "contract_type" in output
    assert "weekly" in output


@pytest.mark.parametrize("empty", ["tests", "coverage"])
def test_tests_that_check_nothing_are_refused(empty: str, project: Path) -> None:
    kept = [] if empty == "tests" else ["test_schema.py"]
    for module in project.glob("tests/**/test_*.py"):
        if module.name not in kept:
            module.unlink()
    status, output = run(project, "make", "test")
    assert status != 0
    assert ("no tests ran" if empty == "tests" else "Required test coverage") in output


def plant_in_template(template: Path, target: Path, faults: list[str]) -> Path:
    """A copy of the template's repository with faults, tagged v1.0.1."""
    git(target.parent, "clone", "--quiet", str(template), str(target))
    root = target / "template"
    package = root / "src" / "{{ package_name }}"
    table = QUICK | SLOW | {"a broken stage": STAGE}
    for fault in faults:
        table[fault][1](root, package)
    commit(target, "Plant faults", "v1.0.1")
    return target


@pytest.mark.parametrize("kind", ["all but the stage", "the stage"])
def test_the_hook_refuses_what_verification_refuses(
    kind: str, template: Path, tmp_path: Path
) -> None:
    # A stage cannot fail beside data that is refused before it; a starter is made in less time.
    faults, answers = ["a broken stage"], {"preset": "starter"}
    if kind == "all but the stage":
        answers = {}
        faults = [fault for fault in (QUICK | SLOW) if fault not in ONLY_IN_A_PROJECT]
    faulty = plant_in_template(template, tmp_path / "template", faults)
    made = copy(faulty, tmp_path / "churn-radar", version="v1.0.1", **answers)
    kept = tmp_path / "churn-radar.failed"
    table = QUICK | SLOW | {"a broken stage": STAGE}
    assert made.status != 0
    assert made.path == kept
    assert str(kept) in made.output
    assert {table[fault][0] for fault in faults} <= failed(kept)
    for fault in faults:
        assert f"{table[fault][0]} failed" in made.output
