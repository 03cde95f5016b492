"""The load test finds the rate, touches nothing of the project, and says what is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.card import CARD
from churn_radar.mlops.serving import load_test
from churn_radar.mlops.serving.load_target import Step, copy_champion, serving, summary
from churn_radar.mlops.tracking import has_registry, registry
from machinery.serving import known


class Simulated:
    """A service that is fast below a rate, and answers no more than that."""

    def __init__(self, limit: float, *unlucky: int) -> None:
        self.limit = limit
        self.unlucky = unlucky
        self.rates: list[float] = []

    def step(self, rate: float, seconds: float) -> Step:
        self.rates.append(rate)
        is_slow = rate > self.limit or len(self.rates) in self.unlucky
        reached = min(rate or self.limit, self.limit)
        return {
            "requests": int(reached * seconds),
            "requests_per_second": reached,
            "p99_ms": 400 if is_slow else 20,
            "errors": 0,
            "longest_gap_ms": 30,
        }

    def usage(self) -> tuple[float, float]:
        return float(len(self.rates)), 300.0


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ab, which was answered faster than the clients could ask."""
    monkeypatch.setattr(load_test, "ab", lambda *_: {"requests_per_second": 800.0})


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("unlucky", [(), (2,), (12,)])
def test_the_highest_rate_is_found(unlucky: tuple[int, ...]) -> None:
    target: Any = Simulated(600, *unlucky)
    report = load_test.measure(target, p99=50, seconds=1)
    assert 600 * load_test.SLOWER - 25 <= report["best"]["requests_per_second"] <= 600
    assert report["best"]["p99_ms"] == 20
    # In the confirming step, of two seconds, it took a second of CPU time.
    assert report["requests_per_core"] == report["best"]["requests"]
    assert (report["memory_mb"], report["swap"]) == (300, None)


@pytest.mark.usefixtures("other")
def test_a_bound_that_no_rate_keeps_is_one_sentence() -> None:
    target: Any = Simulated(600)
    with pytest.raises(ProjectError, match=r"no rate keeps a p99 of 5 ms: .* P99= sets another"):
        load_test.measure(target, p99=5, seconds=1)


def test_a_stall_is_a_gap_and_failures_are_counted() -> None:
    answers = [(number / 10, 0.001 * number) for number in range(100) if not 40 <= number < 60]
    found = summary(answers, ["503"], began=1.0, ended=10.0)
    # 3.9 to 6.0; the first second is no part of it.
    assert (found["longest_gap_ms"], found["requests"], found["errors"]) == (2100.0, 70, 1)
    assert found["p50_ms"] < found["p95_ms"] < found["p99_ms"] <= 99
    assert summary([], ["503"], 1.0, 10.0)["longest_gap_ms"] == 9000.0


@pytest.fixture
def promoted(config: Config, finished: Path, project_root: Path, tmp_path: Path) -> Path:
    """A project whose model is the champion."""
    root = known.copy_project(finished, project_root / "params.yaml", tmp_path)
    known.make_champion(config, root, known.register(config, root).number)
    return root


def test_a_service_of_its_own_is_measured_and_the_project_left_alone(
    config: Config, promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(promoted)
    monkeypatch.setattr(load_test, "N_HALVINGS", 1)
    # A busy machine keeps no rate twice: which one it is does not matter here.
    monkeypatch.setattr(load_test, "N_CONFIRMATIONS", 12)
    monkeypatch.setattr(load_test, "SWAP_SECONDS", 8)
    # A key, a tracking server and a log that must not be used.
    monkeypatch.setenv("SERVING_API_KEY", "secret")
    monkeypatch.setenv("PREDICTION_LOG_URL", "postgresql://nobody@nowhere/none")
    load_test.load_test(p99=20_000, swap=True, seconds=0.5)
    report = json.loads((promoted / "reports" / "load.json").read_text())
    assert report["flat_out"]["errors"] == report["best"]["errors"] == 0
    assert 0 < report["best"]["p50_ms"] <= report["best"]["p99_ms"]
    assert report["requests_per_core"] > 0
    swap = report["swap"]
    assert swap["swaps"] >= 1
    assert swap["errors"] == 0
    assert 0 < swap["longest_gap_ms"] < 5000
    champion = registry.by_alias(promoted, config.model.name, "champion")
    assert champion is not None
    assert (champion.number, report["version"]) == (1, 1)
    assert not (promoted / "models" / "traffic.json").exists()
    assert not (promoted / "models" / "champion.json").exists()
    assert not (promoted / "data" / "feedback").exists()
    rate = report["best"]["requests_per_second"]
    assert f"| service | {rate} requests/s at a p99 of" in (promoted / CARD).read_text()


def test_ab_is_asked_where_it_is_installed(
    promoted: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("asked")
    output = "Complete requests:      1000\nFailed requests:        2\nNon-2xx responses:      3\n"
    output += (
        "Requests per second:    512.50 [#/sec] (mean)\n  50%     3\n  95%     8\n  99%    11\n"
    )
    tool = folder / "ab"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{output}END\n")
    tool.chmod(0o755)
    target: Any = type("Target", (), {"root": folder, "url": "", "bodies": ["{}"]})
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    assert load_test.ab(target, 1) == {
        "requests": 1000,
        "requests_per_second": 512.5,
        "p50_ms": 3,
        "p95_ms": 8,
        "p99_ms": 11,
        "errors": 5,
    }
    monkeypatch.setenv("PATH", str(promoted))
    assert load_test.ab(target, 1) is None


def test_what_is_missing_is_one_sentence(
    promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(promoted)
    folder = tmp_path / "bundle"
    folder.mkdir()
    assert has_registry(promoted)
    assert copy_champion(promoted, folder)
    assert not has_registry(folder)
    # The bundle is what a clone without a registry has.
    again = tmp_path / "again"
    again.mkdir()
    assert copy_champion(folder, again)
    (folder / "models" / "champion.json").unlink()
    with (
        pytest.raises(ProjectError, match=r"a load test needs a champion: .* promote"),
        serving(folder, tmp_path / "none"),
    ):
        pass
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(load_test, "find_spec", lambda _: None)
    with pytest.raises(ProjectError, match="locust is not installed: `make load-test` brings it"):
        load_test.load_test()


def test_a_service_that_does_not_start_says_why(promoted: Path, tmp_path: Path) -> None:
    params = promoted / "params.yaml"
    params.write_text(params.read_text() + "\nserving: {workers: 0}\n")
    folder = tmp_path / "none"
    folder.mkdir()
    with pytest.raises(ProjectError, match=r"workers"), serving(promoted, folder):
        pass
