"""What the model takes is measured, sealed, shown, and turned into limits."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from churn_radar.mlops.bounds import Budget, Hosting
from churn_radar.mlops.checksums import read_with_checksum
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation import card
from churn_radar.mlops.gates import budget, reproducible
from churn_radar.mlops.profiling import latency, profile, retraining
from machinery.profiling.known import PROFILE, allowing, judged
from rich.console import Console


def test_the_model_can_be_made_again_and_is_cheap(
    measured: dict[str, Any], config: Config, profiled: Path
) -> None:
    assert read_with_checksum(profiled / "reports" / "profile.json") == measured
    for gate in (reproducible.reproducible, budget.budget):
        assert judged(gate, config, **measured).status == "passed"
    assert measured["digests"][0] == measured["digests"][1]
    assert all(measured[name] > 0 for name in [*Budget.model_fields, "import_cpu_seconds"])
    assert [batch["rows"] for batch in measured["batches"]] == list(latency.SIZES)


def test_an_edited_profile_is_refused(measured: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    profile.write_with_checksum(path, measured)
    facts = json.loads(path.read_text()) | {"train_cpu_seconds": 0.1}
    path.write_text(json.dumps(facts))
    with pytest.raises(ProjectError, match="was edited"):
        read_with_checksum(path)


def test_limits_follow_from_what_was_measured(config: Config, tmp_path: Path) -> None:
    hosting = Hosting(requests_per_second=300, core_month=20, gb_month=4, currency="USD")
    limits = profile.recommend(PROFILE, config.model_copy(update={"hosting": hosting}))
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
    # With a load test it is what HTTP left, and all processes of the service.
    load = {"requests_per_core": 60.0, "memory_mb": 700}
    measured = profile.recommend(PROFILE, config.model_copy(update={"hosting": hosting}), load)
    changed = {name: value for name, value in measured.items() if limits[name] != value}
    assert changed == {
        "serve_memory_mb": 1280,  # 700 x 1.5
        "serve_replicas": 8,  # 300 of 60 x 0.7 each
        "requests_per_second": 60.0,
        "month_cost": 200.0,  # 8 x (20 + 1.25 x 4)
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
    monkeypatch.setattr(card, "write_card", lambda *_: (tmp_path / "card").touch())
    profile.profile_command(config, tmp_path, console)
    assert "95 % in 6 ms" in console.export_text()
    with pytest.raises(ProjectError, match=r"the model's file takes 2 MB of 1$"):
        profile.profile_command(allowing(config, model_mb=1), tmp_path, console)
    assert {path.name for path in tmp_path.iterdir()} == {"card", "docker"}
    monkeypatch.setattr(profile, "measure", lambda *_: {"failure": "ValueError: no rows"})
    with pytest.raises(ProjectError, match="ValueError: no rows"):
        profile.profile_command(config, tmp_path, console)


def test_a_model_that_cannot_be_loaded_is_no_use(
    config: Config, profiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(profiled, tmp_path / "project")
    (root / retraining.MODEL).write_bytes(b"another")
    monkeypatch.setattr(
        retraining, "retrain_twice", lambda *_: retraining.compare(config, root, [])
    )
    assert "not the file" in profile.measure(config, root)["failure"]
