"""The commands tell each verdict, and their exit status is the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import Reasons, Verdict
from churn_radar.mlops.git import commit_of
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.promotion import commands, restore
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion.promote import Outcome
from machinery.promotion.champions import try_it
from machinery.promotion.known import another


@pytest.fixture(autouse=True)
def _quick(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes time or lasts: DVC, and a setting of the whole process."""
    monkeypatch.setattr(commands, "load_config", lambda _: config)
    monkeypatch.setattr(commands, "ask_dvc", lambda _: None)
    monkeypatch.setattr(commands.gc, "set_threshold", lambda _: None)
    monkeypatch.setattr(commands, "_require_own_package", lambda _: None)
    monkeypatch.setattr(commands, "_verify_and_measure", lambda _: None)


@pytest.mark.parametrize("promoted", [True, False])
def test_the_exit_status_is_the_outcome(
    promoted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Verdict("passed" if promoted else "refused", "skill of [0.1, 0.3]", 0.1, 0.05)

    def promote(_: Config, root: Path, why: str, on_verdict: Any, reasons: Reasons) -> Outcome:
        on_verdict("floor", verdict)
        return Outcome(promoted, 2, 1, {"floor": verdict}, f"{why}, {reasons.uncompared}")

    monkeypatch.setattr(module, "promote", promote)
    with pytest.raises(typer.Exit) as stopped:
        commands.promote(why="a test", uncompared="gone")
    assert bool(stopped.value.exit_code) is not promoted
    said = capsys.readouterr().out
    assert f"{verdict.status:<12} floor" in said
    assert "skill of [0.1, 0.3]" in said
    assert "a test, gone" in said
    assert ("Next: commit models/champion.json" in said) is promoted


@pytest.mark.parametrize("command", [commands.promote, commands.rollback])
def test_a_change_of_champion_needs_a_reason(command: Callable[..., None]) -> None:
    said = f"say why, for the record: make {command.__name__} WHY="
    with pytest.raises(ProjectError, match=said):
        command(why=" ")


@pytest.mark.parametrize("switch", ["no", "yes", "True", "1"])
def test_a_switch_is_no_reason(switch: str) -> None:
    with pytest.raises(ProjectError, match=f"UNCOMPARED={switch} is no reason"):
        commands.promote(why="a test", uncompared=switch)


def test_the_gates_of_another_project_do_not_judge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="not of this project: `make setup`"):
        commands.promote(why="a test")


def test_the_way_back_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restore, "rollback", lambda _, __, why: f"Version 1 again: {why}")
    commands.rollback(why="complaints")
    assert "Version 1 again: complaints" in capsys.readouterr().out


def test_a_reason_that_no_file_can_hold_is_one_sentence() -> None:
    with pytest.raises(ProjectError, match="WHY= is not written in UTF-8"):
        commands.rollback(why="\udce9t\udce9")


@pytest.mark.usefixtures("all_pass")
def test_the_report_says_where_the_model_stands_and_what_the_gates_said(
    config: Config, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(project)
    versioned = project / "reports" / "report.html"
    before = versioned.read_bytes()

    def page() -> str:
        commands.report()
        said = capsys.readouterr().out.strip().splitlines()[-1]
        return " ".join((project / said).read_text(encoding="utf-8").split())

    first = page()
    assert "challenger; there is no champion yet" in first
    assert "The gates have not judged this model yet" in first
    assert f"{commit_of(project)[:7]} on main" in first
    try_it(config, project)
    champion = page()
    assert "<dd>champion, version 1</dd>" in champion
    assert '<th scope="row">floor</th> <td>passed</td> <td>good</td>' in champion

    another(project)
    with pytest.raises(ProjectError, match=r"report.html is about another model: run `make pipe"):
        commands.report()
    slices = project / "reports" / "slices.json"
    facts = json.loads(slices.read_text())
    slices.write_text(json.dumps(facts | {"model": manifest.read(project / "models")["sha256"]}))
    challenger = page()
    # It predicts the same, so there is no difference at all.
    assert "champion, version 1: its skill score differs by +0.000 [+0.000, +0.000]" in challenger
    # The verdicts are of the model before.
    assert "The gates have not judged this model yet" in challenger
    # What DVC compares stays as the pipeline wrote it.
    assert versioned.read_bytes() == before
    versioned.unlink()
    with pytest.raises(ProjectError, match=r"report.html is not there: `make pipeline` makes it"):
        commands.report()
