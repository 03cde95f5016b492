"""Real tables become green projects without an edit; nobody's work is ever lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from e2e.copier_runs import Generated, clone, copy, run, statuses, succeed
from real_tables import data_file
from support import commit, git


@pytest.fixture(scope="module")
def example(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that still has the simulated customers."""
    return clone(generated, tmp_path_factory.mktemp("example"))


@pytest.fixture
def clean(example: Path) -> Iterator[Path]:
    """The project with the simulated customers, put back afterwards; its raw data, too."""
    begin = git(example, "rev-parse", "HEAD").strip()
    yield example
    git(example, "reset", "--quiet", "--hard", begin)
    git(example, "clean", "--quiet", "--force", "-d")
    shutil.rmtree(example / "data" / "raw")
    git(example, "checkout", "--", "data")
    succeed(example, "make", "data")


def wire(project: Path, path: Path, target: str, *more: str) -> tuple[int, str]:
    return run(project, "make", "wire", f"DATA={path}", f"TARGET={target}", *more)


def test_a_file_that_is_hard_to_read_is_green_without_an_edit(clean: Path, tmp_path: Path) -> None:
    """A number is verified as a whole too, by test_generations.py and test_frameworks.py."""
    status, output = wire(clean, *data_file("iris", tmp_path))
    assert status == 0, output
    commit(clean, "Use iris")
    path, target = data_file("nasty", tmp_path)
    # The table before has other columns.
    status, output = wire(clean, path, target, "REPLACE=yes")
    assert status == 0, output
    assert "teh" in (clean / "pyproject.toml").read_text(), "the data's own spelling is known"
    git(clean, "add", "--all")
    succeed(clean, "make", "verify")
    assert set(statuses(clean).values()) == {"passed"}
    commit(clean, "Use it")
    # The same again changes nothing.
    status, output = wire(clean, path, target)
    assert status == 0, output
    assert "nothing was changed" in output
    assert git(clean, "status", "--porcelain") == ""


def test_a_wired_table_goes_to_the_remote_and_comes_back(clean: Path, tmp_path: Path) -> None:
    wire(clean, *data_file("iris", tmp_path))
    dvc = ["uv", "run", "--no-sync", "dvc"]
    succeed(clean, *dvc, "push")
    raw = clean / "data" / "raw" / "iris_raw.csv"
    content = raw.read_bytes()
    raw.unlink()
    shutil.rmtree(clean / ".dvc" / "cache")
    succeed(clean, "make", "data")
    assert raw.read_bytes() == content


def test_ci_runs_the_pipeline_where_nobody_can_reach_the_data(clean: Path, tmp_path: Path) -> None:
    wire(clean, *data_file("iris", tmp_path))
    commit(clean, "Use iris")
    # As on a runner: the remote, a folder of the other clone, is not there.
    git(tmp_path, "clone", "--quiet", str(clean), "runner")
    runner = tmp_path / "runner"
    workflow = yaml.safe_load((runner / ".github" / "workflows" / "checks.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["pipeline"]["steps"]]
    (python,) = clean.glob(".venv/*/python")
    succeed(runner, "uv", "sync", "--quiet", "--locked", "--python", str(python))
    status, output = run(runner, "make", "data", "ROWS=200")
    assert any("make data ROWS=" in step for step in steps)
    assert status == 0, output
    assert "MADE-UP ROWS: " in output
    assert "make pipeline" in steps
    succeed(runner, "make", "pipeline")
    metrics = json.loads((runner / "reports" / "metrics.json").read_text())
    assert metrics["rows"] == 50


def test_what_somebody_edited_is_never_overwritten_silently(clean: Path, tmp_path: Path) -> None:
    path, target = data_file("iris", tmp_path)
    features = clean / "src" / "churn_radar" / "features.py"
    mine = features.read_text() + "# mine\n"
    features.write_text(mine)
    status, output = wire(clean, path, target)
    assert status != 0
    assert "you edited src/churn_radar/features.py" in output
    status, output = wire(clean, path, target, "REPLACE=yes")
    assert status != 0
    assert "commit src/churn_radar/features.py first" in output
    assert git(clean, "diff", "--name-only").split() == ["src/churn_radar/features.py"]
    assert features.read_text() == mine
    commit(clean, "Mine")
    status, output = wire(clean, path, target, "REPLACE=yes")
    assert status == 0, output
    assert "# mine" not in features.read_text()


@pytest.mark.parametrize("step", ["dvc add", "the last file"])
def test_wiring_is_all_or_nothing(step: str, clean: Path, tmp_path: Path) -> None:
    path, target = data_file("iris", tmp_path)
    raw = clean / "data" / "raw" / "customers_raw.csv"
    before = raw.read_bytes()
    if step == "dvc add":
        (clean / ".dvc" / "config").write_text("[core\n")
    else:
        (clean / "reports" / "wiring.json").mkdir()
    begin = git(clean, "status", "--porcelain")
    status, output = wire(clean, path, target)
    assert status != 0
    assert "Traceback" not in output
    assert git(clean, "status", "--porcelain") == begin
    assert raw.read_bytes() == before
    assert not (clean / "wiring.tmp").exists()


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        ("missing.csv", "x", "missing.csv is not there"),
        ("iris.csv", "targett", "did you mean 'target'"),
        ("iris.csv", "", "make wire DATA=customers.csv TARGET=churned"),
    ],
)
def test_a_mistake_is_one_sentence(
    data: str, target: str, message: str, clean: Path, tmp_path: Path
) -> None:
    path, _ = data_file("iris", tmp_path)
    status, output = wire(clean, path.with_name(data), target)
    assert status != 0
    assert message in output
    assert "Traceback" not in output
    assert git(clean, "status", "--porcelain") == ""


def test_a_file_that_changed_its_form_is_refused_by_the_pipeline(
    clean: Path, tmp_path: Path
) -> None:
    wire(clean, *data_file("penguins", tmp_path))
    raw = clean / "data" / "raw" / "penguins_raw.csv"
    raw.chmod(0o644)
    raw.write_text(raw.read_text().replace("Torgersen", "Mars", 1).replace(",39.5,", ",wide,", 1))
    status, output = run(clean, "make", "pipeline")
    assert status != 0
    assert "bill_length_mm: is not a number in 1 row(s)" in output
    assert "row 3 of penguins_raw.csv has wide" in output


def test_a_copy_of_bad_data_says_so(template: Path, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("left\nyes\nno\n")
    (tmp_path / "link.csv").symlink_to("one.csv")
    # A path from where the person stands, who is not in the project.
    made = copy(template, tmp_path / "churn", data_file="link.csv", target_column="left")
    assert made.status != 0
    assert "link.csv is a symbolic link" in made.output
    assert "Failed at wire" in made.output
    made = copy(template, tmp_path / "churn2", target_column="left")
    assert made.status != 0
    assert "Name the file as well, in data_file" in made.output
