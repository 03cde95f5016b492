"""The commands tell each verdict, and their exit status is the outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import Verdict
from churn_radar.mlops.promotion import commands, staleness
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion.promote import Outcome


@pytest.fixture(autouse=True)
def _quick(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes time or lasts: DVC, and a setting of the whole process."""
    monkeypatch.setattr(commands, "load_config", lambda _: config)
    monkeypatch.setattr(staleness, "ask", lambda _: None)
    monkeypatch.setattr(commands.gc, "set_threshold", lambda _: None)


@pytest.mark.parametrize("promoted", [True, False])
def test_the_exit_status_is_the_outcome(
    promoted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Verdict("passed" if promoted else "refused", "skill of [0.1, 0.3]", 0.1, 0.05)

    def promote(_: Config, root: Path, why: str, on_verdict: Any, *, uncompared: bool) -> Outcome:
        on_verdict("floor", verdict)
        return Outcome(promoted, 2, 1, {"floor": verdict}, f"{why}, {uncompared}")

    monkeypatch.setattr(module, "promote", promote)
    with pytest.raises(typer.Exit) as stopped:
        commands.promote(why="a test", uncompared=True)
    assert bool(stopped.value.exit_code) is not promoted
    said = capsys.readouterr().out
    assert f"{verdict.status:<12} floor" in said
    assert "skill of [0.1, 0.3]" in said
    assert "a test, True" in said


def test_what_is_not_compared_needs_a_reason() -> None:
    with pytest.raises(ProjectError, match="needs a reason"):
        commands.promote(why=" ", uncompared=True)


def test_the_way_back_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "rollback", lambda _, __, why: f"Version 1 again: {why}")
    commands.rollback(why="complaints")
    assert "Version 1 again: complaints" in capsys.readouterr().out
