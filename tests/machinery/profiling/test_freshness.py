"""What was measured already is not measured again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from churn_radar.mlops.checksums import read_with_checksum
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.profiling import latency, profile, retraining


@pytest.fixture
def ensure(config: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """The command that promotion begins with."""
    monkeypatch.setattr(profile, "load_config", lambda _: config)

    def profile_missing(root: Path) -> None:
        monkeypatch.chdir(root)
        profile.profile(missing=True)

    return profile_missing


def test_nothing_is_measured_before_the_pipeline_ran(
    config: Config, tmp_path: Path, ensure: Callable[[Path], None]
) -> None:
    with pytest.raises(ProjectError, match=r"model\.skops is missing: `make pipeline`"):
        profile.measure(config, tmp_path)
    ensure(tmp_path)  # the gates say what is missing


def test_without_its_rows_a_model_is_left_to_the_gates(
    config: Config, profiled: Path, tmp_path: Path, ensure: Callable[[Path], None]
) -> None:
    root = Path(shutil.copytree(profiled, tmp_path / "project"))
    (root / profile.REPORT).unlink(missing_ok=True)
    (root / config.table("processed", "test")).unlink()
    ensure(root)
    assert not (root / profile.REPORT).exists()


def test_the_same_is_not_measured_twice(
    measured: dict[str, Any],
    config: Config,
    profiled: Path,
    tmp_path: Path,
    ensure: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = Path(shutil.copytree(profiled, tmp_path / "project"))
    monkeypatch.setattr(retraining, "retrain_twice", lambda *_: {"failure": "measured anew"})
    monkeypatch.setattr(latency, "serve", lambda *_: {})
    ensure(root)
    assert read_with_checksum(root / profile.REPORT) == measured
    pd.DataFrame().to_parquet(root / config.table("processed", "train"))
    for _ in range(2):  # what failed is tried again
        ensure(root)
        assert read_with_checksum(root / profile.REPORT).pop("failure") == "measured anew"


def test_an_edited_profile_is_left_to_the_gates(
    measured: dict[str, Any], profiled: Path, tmp_path: Path, ensure: Callable[[Path], None]
) -> None:
    root = Path(shutil.copytree(profiled, tmp_path / "project"))
    path = root / profile.REPORT
    path.write_text(path.read_text().replace("measured_at", "measured"))
    before = path.read_bytes()
    ensure(root)
    assert path.read_bytes() == before
