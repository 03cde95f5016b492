"""BentoML with its adaptive batching, in one worker.

It learns by itself how long to wait for a batch. Its `max_latency_ms` is not that wait, but the
time after which a request is refused, and stays as it is: with 100 ms some were refused.
"""

import os
from pathlib import Path

import bentoml
import joblib
import pandas as pd

Rows = list[dict[str, float | None]]
quiet = {"access": {"enabled": False}}


@bentoml.service(workers=1, logging=quiet, traffic={"timeout": 60, "max_concurrency": 1024})
class Tumours:
    def __init__(self) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")

    @bentoml.api(batchable=True, max_batch_size=64)
    def predict(self, rows: Rows) -> list[list[float]]:
        return self.probabilities(rows)

    # A batch of the caller's may be larger than those that are gathered.
    @bentoml.api
    def predict_rows(self, rows: Rows) -> list[list[float]]:
        return self.probabilities(rows)

    def probabilities(self, rows: Rows) -> list[list[float]]:
        found: list[list[float]] = self.model.predict_proba(pd.DataFrame(rows)).tolist()
        return found
