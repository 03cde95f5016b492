"""The look at the registry: what cannot be read hides nothing else, what is away names nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.serving import traffic, versions
from churn_radar.mlops.serving.versions import find_all
from churn_radar.mlops.tracking import registry
from machinery.serving.known import QUICK


def test_a_version_that_cannot_be_read_does_not_hide_the_other(
    config: Config, served: Path, tmp_path: Path
) -> None:
    traffic.write(served, traffic.begin("shadow", 2, 0, QUICK))
    registry.tag(served, config.model.name, 2, "record", "{")
    try:
        found = find_all(served, tmp_path, from_registry=True)
    finally:
        registry.tag(served, config.model.name, 2, "record", "{}")
        traffic.write(served, traffic.begin("champion", None, 0, QUICK))
    assert found["champion"]["version"] == 1
    assert found["challenger"] is None
    (problem,) = found["problems"]
    assert problem.startswith("challenger: it cannot be read: JSONDecodeError")


def test_a_registry_that_is_away_names_nobody_else(
    config: Config, served: Path, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    shutil.copyfile(served / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "models" / "champion.json").write_text("{}")
    found = find_all(tmp_path, tmp_path, from_registry=True)
    assert found["champion"] is None
    assert "mlflow.db is gone" in found["problems"][0]
    assert not (tmp_path / "models" / "mlflow.db").exists()


def test_a_registry_that_is_replaced_is_opened_again(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "models" / "mlflow.db"
    database.parent.mkdir()
    database.touch()
    monkeypatch.setattr(versions, "PAUSE", 0)
    looks = versions.changes(tmp_path)
    next(looks)
    other = tmp_path / "other.db"
    other.touch()
    other.replace(database)
    # The process ends, and the front starts another one.
    assert list(looks) == []
