"""The commands tell each verdict, and their exit status is the outcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import Reasons, Verdict
from churn_radar.mlops.promotion import commands, staleness
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion.promote import Outcome


@pytest.fixture(autouse=True)
def _quick(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes time or lasts: DVC, and a setting of the whole process."""
    monkeypatch.setattr(commands, "load_config", lambda _: config)
    monkeypatch.setattr(staleness, "ask", lambda _: None)
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
    monkeypatch.setattr(module, "rollback", lambda _, __, why: f"Version 1 again: {why}")
    commands.rollback(why="complaints")
    assert "Version 1 again: complaints" in capsys.readouterr().out


def test_a_reason_that_no_file_can_hold_is_one_sentence() -> None:
    with pytest.raises(ProjectError, match="WHY= is not written in UTF-8"):
        commands.rollback(why="\udce9t\udce9")
