"""Verification says what it saw, and refuses."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops.verify.runner import verified, verify
from churn_radar.mlops.verify.steps import Step
from rich.console import Console


def step(name: str, code: str) -> Step:
    return Step(
        name, f"it is {name}", (sys.executable, "-c", code), f"fix {name}", summary=str.strip
    )


def run(root: Path, *chains: list[Step]) -> tuple[bool, str, dict[str, Any]]:
    output = io.StringIO()
    path = root / "reports" / "verification.json"
    passed = verify(root, chains, Console(file=output, width=200), path)
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


def test_a_file_counts_as_verified_until_it_or_what_judges_it_changes(
    tmp_path: Path, git: Callable[..., None]
) -> None:
    git("init", "--quiet", "-b", "main")
    for name in ("kept.py", "stra\u00dfe.py", "made.py", "uv.lock", "docs/model-card.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / ".gitignore").write_text("/reports/verification.json\n")
    report = tmp_path / "reports" / "verification.json"
    assert verified(tmp_path, report) == set()
    run(tmp_path, [step("good", "")])
    assert verified(tmp_path, report) == {
        "kept.py",
        "stra\u00dfe.py",
        "made.py",
        "uv.lock",
        ".gitignore",
    }
    (tmp_path / "stra\u00dfe.py").write_text("new\n")
    (tmp_path / "made.py").rename(tmp_path / "moved.py")
    assert verified(tmp_path, report) == {"kept.py", "uv.lock", ".gitignore"}
    run(tmp_path, [step("bad", "raise SystemExit(1)")])
    assert verified(tmp_path, report) == set()
    run(tmp_path, [step("good", "")])
    (tmp_path / "uv.lock").write_text("another version\n")
    assert verified(tmp_path, report) == set()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"passed": true, "tree": "0"}'])
def test_without_a_sound_report_no_file_counts_as_verified(
    text: str, tmp_path: Path, git: Callable[..., None]
) -> None:
    git("init", "--quiet", "-b", "main")
    (tmp_path / "report.json").write_text(text)
    assert verified(tmp_path, tmp_path / "report.json") == set()
