"""What the model takes, and whether it can be made again."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from churn_radar import passport
from churn_radar.config import Config
from churn_radar.errors import ProjectError
from churn_radar.evaluation.scores import Classes, Numbers
from churn_radar.gates import Verdict, budget, reproducible
from churn_radar.gates.seal import read_sealed
from churn_radar.model import candidates
from churn_radar.pipeline.train import inputs
from churn_radar.practices import Budget, Cost
from churn_radar.profiling import latency, process, profile, rehearsal
from churn_radar.storage import load_model, save_model

PROFILE: dict[str, Any] = {
    "failure": None,
    "train_cpu_seconds": 8.0,
    "train_seconds": 5.0,
    "train_memory_mb": 400.0,
    "model_mb": 2.0,
    "predict_cpu_seconds": 0.3,
    "predict_memory_mb": 300.0,
    "digests": ["a", "a"],
    "spread": 0.0,
    "difference": 0.0,
    "batches": [
        {"rows": rows, "median_ms": 5.0, "p95_ms": 6.0, "cpu_seconds": seconds}
        for rows, seconds in ((1, 4.0), (10, 1.0), (100, 0.4), (1000, 0.3))
    ],
}


def judged(gate: Any, config: Config, **facts: object) -> Verdict:
    verdict: Verdict = gate.check(SimpleNamespace(config=config, profile=PROFILE | facts))
    return verdict


def allowing(config: Config, **bounds: float) -> Config:
    gates = config.gates.model_copy(update={"budget": Budget(**bounds)})
    return config.model_copy(update={"gates": gates})


@pytest.fixture(scope="module")
def project(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished project, to be spoilt."""
    return shutil.copytree(finished, tmp_path_factory.mktemp("profile") / "project")


@pytest.fixture(scope="module")
def measured(config: Config, project: Path) -> dict[str, Any]:
    """What is really measured, with few calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "SECONDS", 0.01)
        return profile.measure(config, project)


def test_the_model_can_be_made_again_and_is_cheap(
    measured: dict[str, Any], config: Config, project: Path
) -> None:
    assert read_sealed(project / "reports" / "profile.json") == measured
    for gate in (reproducible, budget):
        assert judged(gate, config, **measured).status == "passed"
    assert measured["digests"][0] == measured["digests"][1]
    assert all(measured[name] > 0 for name in [*Budget.model_fields, "import_cpu_seconds"])
    assert [batch["rows"] for batch in measured["batches"]] == list(latency.SIZES)


def test_an_edited_profile_is_refused(measured: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    profile.write_sealed(path, measured)
    facts = json.loads(path.read_text()) | {"train_cpu_seconds": 0.1}
    path.write_text(json.dumps(facts))
    with pytest.raises(ProjectError, match="was edited"):
        read_sealed(path)


def test_training_that_reads_held_out_rows_is_refused(
    config: Config, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    code = shutil.copytree(rehearsal.CODE, tmp_path / rehearsal.CODE.name, ignore=ignored)
    with (code / "pipeline" / "train.py").open("a") as file:
        file.write(
            "\n\ndef train(config: Config, root: Path) -> str:\n"
            '    return str(pd.read_parquet(root / config.table("processed", "test")))\n'
        )
    monkeypatch.setattr(rehearsal, "SEEDS", (1,))
    with pytest.raises(ProjectError, match=config.table("processed", "test").name) as refused:
        rehearsal.rehearse(config, project, code)
    assert "Traceback" not in str(refused.value)
    for gate in (reproducible, budget):
        verdict = judged(gate, config, failure=str(refused.value))
        assert verdict == Verdict("refused", str(refused.value))


def test_what_ends_without_a_word_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ProjectError, match="status -9"):
        process.watched("rehearsal", tmp_path, 1)


def test_two_trainings_that_differ_are_refused(config: Config) -> None:
    verdict = judged(reproducible, config, digests=["a", "b"], spread=0.25)
    assert (verdict.status, verdict.figure, verdict.bound) == ("refused", 0.25, 0)
    assert "0.25" in verdict.reason


def test_a_model_of_other_rows_is_refused(config: Config, project: Path, tmp_path: Path) -> None:
    other = shutil.copytree(project, tmp_path / "other")
    steps = [other / config.table("processed", step) for step in ("train", "test")]
    table = pd.concat([pd.read_parquet(step) for step in steps], ignore_index=True)
    chosen = json.loads((other / "reports" / "selection.json").read_text())["chosen"]
    save_model(candidates(config)[chosen].fit(*inputs(config, table)), other / rehearsal.MODEL)
    passport.write(config, other)
    found = rehearsal.compare(config, other, [project / rehearsal.MODEL] * 2)
    verdict = judged(reproducible, config, **found)
    assert verdict.status == "refused"
    assert verdict.figure == found["difference"] > reproducible.TOLERANCE
    assert "models/model.skops" in verdict.reason


def test_predictions_are_compared_by_what_they_mean() -> None:
    chances = np.array([[0.2, 0.8], [0.5, 0.5]])
    one, other = (Classes(np.zeros(2), c, np.array([0, 1])) for c in (chances, chances / 2))
    assert rehearsal.difference(one, other, 1.0) == 0.4
    stranger = Classes(np.zeros(2), chances, np.array([0, 2]))
    assert rehearsal.difference(one, stranger, 1.0) == 1.0
    numbers = [Numbers(np.array(values)) for values in ([1.0, 2.0], [1.0, 6.0])]
    assert rehearsal.difference(*numbers, 2.0) == 2.0
    assert rehearsal.difference(numbers[0], one, 2.0) == 1.0


@pytest.mark.parametrize("name", Budget.model_fields)
def test_a_broken_budget_is_named(name: str, config: Config) -> None:
    bound = PROFILE[name] / 2
    verdict = judged(budget, allowing(config, **{name: bound}))
    assert (verdict.status, verdict.figure, verdict.bound) == ("refused", PROFILE[name], bound)
    assert f"{profile.MEANING[name][0]} takes {PROFILE[name]:g}" in verdict.reason
    assert f"of {bound:g}" in verdict.reason
    kept = judged(budget, allowing(config, **{name: PROFILE[name]}))
    assert (kept.status, kept.figure) == ("passed", PROFILE[name])


def test_a_prediction_is_timed_in_this_process_too(config: Config, project: Path) -> None:
    rows = pd.read_parquet(project / config.table("processed", "test")).head(20)
    found = latency.timed(load_model(project / rehearsal.MODEL), rows, 0.0)
    assert all(0 < batch["median_ms"] <= batch["p95_ms"] for batch in found)


def test_limits_follow_from_what_was_measured(config: Config, tmp_path: Path) -> None:
    cost = Cost(requests_per_second=300, core_month=20, gb_month=4, currency="USD")
    limits = profile.recommend(PROFILE, config.model_copy(update={"cost": cost}))
    assert limits == {
        "train_cpus": 2,  # 8 CPU seconds in 5
        "train_memory_mb": 768,  # 400 x 1.5, in steps of 256
        "serve_cpus": 1,
        "serve_memory_mb": 512,
        "serve_batch_rows": 100,  # 1,000 would save a quarter only
        "serve_replicas": 2,  # 300 of 250 x 0.7 each
        "requests_per_second": 250.0,
        "month_cost": 44.0,  # 2 x (20 + 0.5 x 4)
        "currency": "USD",
    }
    profile.write_resources(tmp_path, limits)
    assert not list(tmp_path.iterdir()), "there are no containers"
    (tmp_path / "docker").mkdir()
    profile.write_resources(tmp_path, limits)
    first, *lines = (tmp_path / profile.RESOURCES).read_text().splitlines()
    assert first.startswith("# Written by `make profile`")
    assert lines[:2] == ["TRAIN_CPUS=2", "TRAIN_MEMORY=768m"]
    assert lines[2:4] == ["SERVE_CPUS=1", "SERVE_MEMORY=512m"]
    assert lines[4:] == ["SERVE_BATCH_ROWS=100", "SERVE_REPLICAS=2"]


def test_the_command_shows_writes_and_refuses(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").mkdir()
    console = Console(record=True, width=100)
    monkeypatch.setattr(profile, "measure", lambda *_: PROFILE)
    monkeypatch.setattr(profile, "write_card", lambda *_: (tmp_path / "card").touch())
    profile.profile_command(config, tmp_path, console)
    assert "95 % in 6 ms" in console.export_text()
    with pytest.raises(ProjectError, match=r"the model's file takes 2 MB of 1$"):
        profile.profile_command(allowing(config, model_mb=1), tmp_path, console)
    assert {path.name for path in tmp_path.iterdir()} == {"card", "docker"}
    monkeypatch.setattr(profile, "measure", lambda *_: {"failure": "ValueError: no rows"})
    with pytest.raises(ProjectError, match="ValueError: no rows"):
        profile.profile_command(config, tmp_path, console)


def test_nothing_is_measured_before_the_pipeline_ran(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"model\.skops is missing: `make pipeline`"):
        profile.measure(config, tmp_path)
    profile.ensure(config, tmp_path)  # the gates say what is missing


def test_the_same_is_not_measured_twice(
    measured: dict[str, Any],
    config: Config,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = shutil.copytree(project, tmp_path / "project")
    monkeypatch.setattr(profile, "rehearse", lambda *_: {"failure": "measured anew"})
    monkeypatch.setattr(profile, "serve", lambda *_: {})
    profile.ensure(config, root)
    assert read_sealed(root / profile.REPORT) == measured
    pd.DataFrame().to_parquet(root / config.table("processed", "train"))
    for _ in range(2):  # what failed is tried again
        profile.ensure(config, root)
        assert read_sealed(root / profile.REPORT).pop("failure") == "measured anew"


def test_a_model_that_cannot_be_loaded_is_no_use(
    config: Config, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(project, tmp_path / "project")
    (root / rehearsal.MODEL).write_bytes(b"another")
    monkeypatch.setattr(profile, "rehearse", lambda *_: rehearsal.compare(config, root, []))
    assert "not the file" in profile.measure(config, root)["failure"]
