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
from churn_radar.mlops.profiling import freshness, profile


@pytest.fixture
def ensure(config: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """The command that promotion begins with."""
    monkeypatch.setattr(freshness, "load_config", lambda _: config)

    def profile_missing(root: Path) -> None:
        monkeypatch.chdir(root)
        freshness.profile(missing=True)

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
    (root / freshness.REPORT).unlink(missing_ok=True)
    (root / config.table("processed", "test")).unlink()
    ensure(root)
    assert not (root / freshness.REPORT).exists()


def test_the_same_is_not_measured_twice(
    measured: dict[str, Any],
    config: Config,
    profiled: Path,
    tmp_path: Path,
    ensure: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = Path(shutil.copytree(profiled, tmp_path / "project"))
    monkeypatch.setattr(profile, "retrain_twice", lambda *_: {"failure": "measured anew"})
    monkeypatch.setattr(profile, "serve", lambda *_: {})
    ensure(root)
    assert read_with_checksum(root / freshness.REPORT) == measured
    pd.DataFrame().to_parquet(root / config.table("processed", "train"))
    for _ in range(2):  # what failed is tried again
        ensure(root)
        assert read_with_checksum(root / freshness.REPORT).pop("failure") == "measured anew"


def test_an_edited_profile_is_left_to_the_gates(
    measured: dict[str, Any], profiled: Path, tmp_path: Path, ensure: Callable[[Path], None]
) -> None:
    root = Path(shutil.copytree(profiled, tmp_path / "project"))
    path = root / freshness.REPORT
    path.write_text(path.read_text().replace("measured_at", "measured"))
    before = path.read_bytes()
    ensure(root)
    assert path.read_bytes() == before
