"""Stage `challenge`: its report is about the model, and always the same."""

import json
from pathlib import Path

from churn_radar.features import FEATURES
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.pipeline.challenge import challenge

TASKS = ("classification", "regression")


def test_the_report_is_about_the_model_and_always_the_same(config: Config, finished: Path) -> None:
    path = finished / "reports" / "challenge.json"
    before = path.read_bytes()
    challenge(config, finished)
    assert path.read_bytes() == before
    report = json.loads(before)
    assert report["model"] == file_hash(finished / "models" / "model.skops")
    assert [*report["features"]] == [feature.name for feature in FEATURES]
    assert report["simpler"]["one feature"]["feature"] in report["features"]
