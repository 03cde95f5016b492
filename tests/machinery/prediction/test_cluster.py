"""On a cluster of two workers the same rows get the same numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.prediction.batch import Order, run


@pytest.mark.filterwarnings("ignore")
def test_two_workers_give_the_same_rows_and_numbers(
    config: Config, champion_root: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    rows = requests.assign(region=["moon", *requests["region"][1:]])
    folder = tmp_path / "files"
    folder.mkdir()
    rows[:100].to_csv(folder / "1.csv", index=False)
    rows[100:].to_parquet(folder / "2.parquet", row_group_size=50)
    found = []
    for engine in ("local", "ray"):
        out = tmp_path / f"{engine}.parquet"
        said = run(config, champion_root, Order(folder, out, engine=engine))
        assert said.startswith("249 rows were predicted")
        scores = pd.read_parquet(out).drop(columns="predicted_at")
        found.append((scores, pd.read_parquet(tmp_path / f"{engine}.rejects.parquet")))
    for here, there in zip(*found, strict=True):
        pd.testing.assert_frame_equal(here, there)


def test_ray_that_is_not_installed_says_how(
    config: Config, champion_root: Path, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ProjectError, match="`uv sync --group ray` brings it"):
        run(config, champion_root, Order(csv, tmp_path / "scores.parquet", engine="ray"))
