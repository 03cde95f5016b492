"""A prediction is timed by the size of a batch."""

from pathlib import Path

import pandas as pd
from churn_radar.mlops.config import Config
from churn_radar.mlops.modeling.storage import load_model
from churn_radar.mlops.profiling import MODEL, latency


def test_a_prediction_is_timed_in_this_process_too(config: Config, profiled: Path) -> None:
    rows = pd.read_parquet(profiled / config.table("processed", "test")).head(20)
    found = latency.time_batches(load_model(profiled / MODEL), rows, 0.0)
    assert all(0 < batch["median_ms"] <= batch["p95_ms"] for batch in found)
