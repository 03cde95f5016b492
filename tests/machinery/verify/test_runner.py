"""Verification says what it saw, and refuses."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from churn_radar.config import load_config
from churn_radar.steps import TESTS, Step, checks, pipeline
from churn_radar.verify import verify

ROOT = Path(__file__).parents[2]


def step(name: str, code: str) -> Step:
    return Step(
        name, f"does {name}", (sys.executable, "-c", code), f"mend {name}", figure=str.strip
    )


def run(root: Path, *chains: list[Step]) -> tuple[bool, str, dict[str, object]]:
    output = io.StringIO()
    path = root / "reports" / "verification.json"
    passed = verify(root, chains, Console(file=output, width=200), path)
    return passed, output.getvalue(), json.loads(path.read_text())


def test_what_passed_is_one_line_with_its_figure(tmp_path: Path) -> None:
    passed, output, report = run(tmp_path, [step("good", "print('7 files')")])
    assert passed
    assert "does good" in output
    assert "7 files" in output
    assert [entry["status"] for entry in report["steps"]] == ["passed"]


def test_a_failure_shows_its_last_lines_and_the_way_out(tmp_path: Path) -> None:
    bad = "print('x' * 9); print('the reason'); raise SystemExit(3)"
    passed, output, report = run(
        tmp_path, [step("bad", bad), step("later", "")], [step("good", "")]
    )
    assert not passed
    assert "the reason" in output
    assert "mend bad" in output
    assert not report["passed"]
    status = {entry["name"]: (entry["status"], entry["detail"]) for entry in report["steps"]}
    assert status["later"] == ("skipped", "bad did not pass")
    assert status["good"] == ("passed", "")


def test_a_tool_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    passed, output, _ = run(tmp_path, [Step("gone", "runs it", ("no-such-tool",), "install it")])
    assert not passed
    assert "no-such-tool" in output


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "01-look.ipynb").touch()
    (tmp_path / "reports").mkdir()
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_only_what_is_there_is_checked(repository: Path) -> None:
    names = {step.name for step in checks(repository)}
    assert {"types", "names", "files", "secrets", "notebooks"} <= names
    assert not {"workflows", "lint", "format"} & names


def test_figures_are_read_from_what_the_tools_say(repository: Path) -> None:
    quick = {step.name: step for step in checks(repository)}
    assert quick["lock"].seen("Resolved 163 packages in 2ms") == "163 packages"
    assert quick["notebooks"].seen("anything") == "1 file"
    assert quick["files"].seen("anything") == "2 files"
    assert TESTS.seen("Total coverage: 97.5%\n8 passed in 1 s") == "97.5%, 8 passed"
    assert TESTS.seen("nothing ran") == ""
    metric = load_config(ROOT).selection.metric
    metrics = {metric: 0.8, f"{metric}_low": 0.7, f"{metric}_high": 0.9}
    (repository / "reports" / "metrics.json").write_text(json.dumps(metrics))
    data, whole = pipeline(repository)
    assert data.seen("validate: 8,000 rows hold the schema") == "8,000 rows"
    assert whole.seen("").endswith("0.800 [0.700, 0.900]")


def test_a_large_file_is_left_to_the_step_that_refuses_it(repository: Path) -> None:
    (repository / "large.csv").write_text("1\n" * 600_000)
    quick = {step.name: step for step in checks(repository)}
    assert "large.csv" in quick["files"].files
    assert "large.csv" not in quick["secrets"].files
