"""Verification says what it saw, and refuses."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops.git import tree_hash
from churn_radar.mlops.verify.runner import JUDGES, unchanged_since_verified, verify
from churn_radar.mlops.verify.steps import Step
from rich.console import Console


def step(name: str, code: str) -> Step:
    return Step(
        name, f"it is {name}", (sys.executable, "-c", code), f"fix {name}", summary=str.strip
    )


def run(root: Path, *chains: list[Step]) -> tuple[bool, str, dict[str, Any]]:
    output = io.StringIO()
    path = root / "reports" / "verification.json"
    console = Console(file=output, width=200)
    passed = verify(root, chains, console, path, tree_hash(root))
    return passed, output.getvalue(), json.loads(path.read_text())


def test_what_passed_is_one_line_with_its_summary(tmp_path: Path) -> None:
    passed, output, report = run(tmp_path, [step("good", "print('7 files')")])
    assert passed
    assert "it is good" in output
    assert "7 files" in output
    assert [entry["status"] for entry in report["steps"]] == ["passed"]


def test_a_failure_shows_its_last_lines_and_the_way_out(tmp_path: Path) -> None:
    bad = "print('x' * 9); print('the reason'); raise SystemExit(3)"
    passed, output, report = run(
        tmp_path, [step("bad", bad), step("later", "")], [step("good", "")]
    )
    assert not passed
    assert "the reason" in output
    assert "fix bad" in output
    assert not report["passed"]
    status = {entry["name"]: (entry["status"], entry["detail"]) for entry in report["steps"]}
    assert status["later"] == ("skipped", "bad did not pass")
    assert status["good"] == ("passed", "")


def test_a_tool_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    passed, output, _ = run(tmp_path, [Step("gone", "runs it", ("no-such-tool",), "install it")])
    assert not passed
    assert "no-such-tool" in output


@pytest.mark.parametrize(("name", "is_edit"), [("model.py", True), ("reports/metrics.json", False)])
def test_what_is_edited_meanwhile_was_not_verified(
    name: str, is_edit: bool, tmp_path: Path, git: Callable[..., None]
) -> None:
    git("init", "--quiet", "-b", "main")
    (tmp_path / "reports").mkdir()
    (tmp_path / ".gitignore").write_text("/reports/verification.json\n")
    edit = f"open({str(tmp_path / name)!r}, 'w').write('new')"
    passed, output, report = run(tmp_path, [step("slow", edit)])
    assert passed is report["passed"] is not is_edit
    assert (f"edited while it was verified: {name}; verify again" in output) is is_edit


@pytest.fixture
def verified(tmp_path: Path, git: Callable[..., None]) -> Callable[[], set[str]]:
    """What counts as verified in a repository of some files, which have just passed."""
    git("init", "--quiet", "-b", "main")
    for name in (
        "kept.py",
        "stra\u00dfe.py",
        "-dash.ini",
        " space.py",
        "docs/model-card.md",
        *JUDGES,
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / ".gitignore").write_text("/reports/verification.json\n")
    run(tmp_path, [step("good", "")])
    return lambda: unchanged_since_verified(tmp_path, tmp_path / "reports" / "verification.json")


def test_a_file_counts_as_verified_until_its_content_or_place_changes(
    verified: Callable[[], set[str]], tmp_path: Path
) -> None:
    # Not what the pipeline makes; nor a name that git and the tools spell differently.
    assert verified() == {"kept.py", "stra\u00dfe.py", " space.py", ".gitignore", *JUDGES}
    (tmp_path / "stra\u00dfe.py").write_text("new\n")
    (tmp_path / " space.py").write_text("new\n")
    (tmp_path / "kept.py").rename(tmp_path / "moved.py")
    assert verified() == {".gitignore", *JUDGES}
    run(tmp_path, [step("good", "")])
    assert verified() > {"stra\u00dfe.py", " space.py", "moved.py"}


@pytest.mark.parametrize("judge", sorted(JUDGES))
def test_no_file_counts_as_verified_once_what_judges_it_changes(
    judge: str, verified: Callable[[], set[str]], tmp_path: Path
) -> None:
    (tmp_path / judge).write_text("another version\n")
    assert verified() == set()


def test_no_file_counts_as_verified_after_a_failure(
    verified: Callable[[], set[str]], tmp_path: Path
) -> None:
    run(tmp_path, [step("bad", "raise SystemExit(1)")])
    assert verified() == set()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"passed": true, "tree": "0"}'])
def test_without_a_sound_report_no_file_counts_as_verified(
    text: str, tmp_path: Path, git: Callable[..., None]
) -> None:
    git("init", "--quiet", "-b", "main")
    (tmp_path / "report.json").write_text(text)
    assert unchanged_since_verified(tmp_path, tmp_path / "report.json") == set()
