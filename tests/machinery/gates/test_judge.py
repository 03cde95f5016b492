"""The gates judge one after the other, the team's own last."""

from pathlib import Path

import pytest
from churn_radar.mlops import gates, team
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import GATES, Verdict, judge, worth
from churn_radar.mlops.promotion.evidence import Evidence


def test_a_gate_that_cannot_judge_refuses(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Evidence) -> Verdict:
        return Verdict("passed", "never", 1 / 0)

    monkeypatch.setattr(worth, "floor", broken)
    monkeypatch.setattr(gates, "IDENTITY", ())
    verdicts = dict(judge(Evidence(config, tmp_path)))
    passed = {name for name, verdict in verdicts.items() if verdict.status == "passed"}
    assert passed == set(), "there is nothing to judge by"
    assert verdicts["floor"].reason == "it broke: ZeroDivisionError: division by zero"


def test_where_identity_fails_nothing_else_is_judged(config: Config, tmp_path: Path) -> None:
    verdicts = dict(judge(Evidence(config, tmp_path)))
    assert verdicts.keys() == set(GATES)
    assert verdicts.pop("artifact").status == "refused"
    for verdict in verdicts.values():
        assert (verdict.status, verdict.reason) == ("not judged", "artifact comes first")
        assert not verdict.allows


def test_one_cause_is_told_once(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Evidence) -> Verdict:
        raise ProjectError("no table")

    own = {"first": refuse, "second": refuse, "third": lambda _: Verdict("passed", "no table")}
    monkeypatch.setattr(team, "gates", lambda: own)
    monkeypatch.setattr(gates, "IDENTITY", ())
    verdicts = dict(judge(Evidence(config, tmp_path)))
    assert verdicts["first"].reason == "no table"
    assert verdicts["second"] == Verdict("refused", "same reason as first")
    assert verdicts["third"].reason == "no table", "who passed has no cause"


def test_a_gate_of_the_team_takes_no_name_of_ours(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "gates", lambda: {"champion": lambda _: Verdict("passed", "sure")})
    with pytest.raises(ProjectError, match=r"gates\.py: champion is a gate of the template"):
        dict(judge(Evidence(config, tmp_path)))


def test_what_a_table_holds_does_not_reach_the_terminal_as_a_command() -> None:
    assert str(ProjectError("row 1:\n  \x1b[2J is no number")) == "row 1:\n  \\x1b[2J is no number"
    verdict = Verdict("refused", "region=\x1b[2Jwest is worse\nthan the whole")
    assert verdict.reason == "region=\\x1b[2Jwest is worse\nthan the whole"


def test_the_teams_own_gates_judge_last(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"weekday": lambda _: Verdict("refused", "not on a Friday")}
    monkeypatch.setattr(team, "gates", lambda: own)
    monkeypatch.setattr(gates, "IDENTITY", ())
    names, verdicts = zip(*judge(Evidence(config, tmp_path)), strict=True)
    assert names == (*GATES, "weekday")
    assert verdicts[-1].reason == "not on a Friday"


@pytest.mark.parametrize("answer", [None, True, "passed"])
def test_what_is_no_verdict_refuses(
    answer: object, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "gates", lambda: {"own": lambda _: answer})
    monkeypatch.setattr(gates, "IDENTITY", ())
    verdict = dict(judge(Evidence(config, tmp_path)))["own"]
    assert verdict.status == "refused"
    assert f"it returned {answer!r}, which is no verdict" in verdict.reason


def test_another_status_refuses(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"own": lambda _: Verdict("refuse", "too bad")}
    monkeypatch.setattr(team, "gates", lambda: own)
    monkeypatch.setattr(gates, "IDENTITY", ())
    verdict = dict(judge(Evidence(config, tmp_path)))["own"]
    assert verdict.status == "refused"
    assert "'refuse' is no status" in verdict.reason
