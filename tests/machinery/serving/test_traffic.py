"""Who answers whom: shares, what ends a canary, the state in a file, the command."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from churn_radar.mlops.bounds import Canary
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving import commands, traffic
from churn_radar.mlops.serving.traffic import Arm, Traffic
from churn_radar.mlops.tracking import registry
from hypothesis import given
from hypothesis import strategies as st

Body = dict[str, Any]


def arm(n: int = 500, seconds: float = 0.01, buckets: tuple[int, ...] = (300, 200)) -> Arm:
    found = Arm()
    for _ in range(n):
        found.add((1, 0), seconds)
    found.rows = sum(buckets)
    found.buckets = list(buckets)
    return found


def test_a_sound_challenger_has_no_fault() -> None:
    assert traffic.fault(arm(), arm(), Canary()) == ""
    # Nothing was seen yet.
    assert traffic.fault(Arm(), Arm(), Canary()) == ""


@pytest.mark.parametrize(
    ("challenger", "reason"),
    [
        (arm(seconds=0.05), "95th percentile"),
        (arm(buckets=(0, 500)), "spread otherwise"),
    ],
)
def test_a_bad_challenger_is_told_by_its_answers(challenger: Arm, reason: str) -> None:
    assert reason in traffic.fault(arm(), challenger, Canary())


def test_an_error_ends_a_canary() -> None:
    challenger = arm()
    challenger.errors = 1
    assert "1 of its answers" in traffic.fault(arm(), challenger, Canary())
    assert traffic.fault(arm(), challenger, Canary(max_errors=1)) == ""


def test_a_machine_that_stalls_ends_no_canary() -> None:
    champion, stalled = arm(n=60), arm(n=60)
    stalled.seconds.extend([0.5] * 8)
    assert stalled.slow > 10 * champion.slow
    assert traffic.fault(champion, stalled, Canary()) == ""
    stalled.seconds.extend([0.5] * 60)
    assert "95th percentile" in traffic.fault(champion, stalled, Canary())


def test_equal_arms_are_hardly_ever_taken_for_different_ones() -> None:
    rng = np.random.default_rng(2026)
    shares = np.full(10, 0.1)
    for n_rows in (20, 200, 2_000):
        for _ in range(500):
            one, other = rng.multinomial(10 * n_rows, shares), rng.multinomial(n_rows, shares)
            shift, noise = traffic.prediction_shift(one.tolist(), other.tolist())
            assert shift <= noise


@given(st.text(), st.floats(0.1, 99.9))
def test_an_entity_always_has_the_same_version(key: str, share: float) -> None:
    state = Traffic("ab", 2, share, salt="a")
    first = traffic.is_for_challenger(state, key)
    assert traffic.is_for_challenger(state, key) == first
    # Who was with the challenger stays there when the share grows.
    if first:
        assert traffic.is_for_challenger(Traffic("ab", 2, 100, salt="a"), key)


def test_the_share_is_kept() -> None:
    state = Traffic("canary", 2, 25, salt="b")
    n_challenger = sum(traffic.is_for_challenger(state, str(number)) for number in range(10_000))
    assert 2_300 < n_challenger < 2_700


def test_a_misspelt_mode_or_a_share_that_is_none_is_one_sentence() -> None:
    with pytest.raises(ProjectError, match="did you mean canary"):
        traffic.begin("canarry", 2, 50, Canary())
    for share in (0, 100, 150):
        with pytest.raises(ProjectError, match="is no share"):
            traffic.begin("ab", 2, share, Canary())


@pytest.mark.parametrize(
    "broken",
    [
        *("{", "[]", "null", '{"share": "50"}', '{"share": null}', '{"share": 101}'),
        *('{"mode": "bogus"}', '{"challenger": true}', '{"stage": -7}', '{"since": 5}'),
    ],
)
def test_a_broken_state_is_one_sentence(broken: str, tmp_path: Path) -> None:
    path = tmp_path / traffic.STATE
    path.parent.mkdir()
    path.write_text(broken)
    with pytest.raises(ProjectError, match=r"make traffic MODE=champion"):
        traffic.read(tmp_path)


def test_a_typo_in_the_mode_is_told_before_the_registry_is_asked(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(served)
    mistakes = {
        ("canarry", "", ""): "did you mean canary",
        ("canary", "", ""): "MODEL= is missing",
        ("canary", "2", "5"): "SHARE=5 is for MODE=ab",
        ("ab", "2", "half"): "SHARE=half is no number",
        ("ab", "2", "100"): "SHARE=100 is no share",
        ("canary", "99", ""): "MODEL=99 is no version",
        ("shadow", "1", ""): "version 1 is the champion",
    }
    for (mode, model, share), said in mistakes.items():
        with pytest.raises(ProjectError, match=said):
            commands.traffic(mode, model=model, share=share)


def test_nothing_begins_without_a_champion_or_with_files_that_are_gone(
    config: Config, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(served, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    monkeypatch.setattr(registry, "by_alias", lambda *_: None)
    with pytest.raises(ProjectError, match="there is no champion yet"):
        commands.traffic("canary", model="2", share="")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / "own")
    gone = registry.versions(tmp_path / "own", config.model.name)[0]
    monkeypatch.setattr(registry, "fetch", refuse_as_gone)
    with pytest.raises(ProjectError, match="the files are gone"):
        commands.traffic("shadow", model=str(gone.number), share="")
    assert traffic.read(tmp_path / "own").mode == "champion"


def refuse_as_gone(*_: object) -> Path:
    raise ProjectError("the files are gone")
