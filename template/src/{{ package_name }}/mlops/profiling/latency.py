"""What a prediction takes by the number of rows that are asked at once.

Run as a module, with a model, raw rows and the seconds for a size, it measures and prints.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from .. import team
from ..config import Config
from ..data.validation import checked
from ..modeling.inputs import feature_table
from ..modeling.storage import load_model
from .freshness import MODEL
from .process import MB, watched

SIZES = (1, 10, 100, 1000)
SECONDS = 0.6  # for each size
LEAST = 3  # calls


def serve(config: Config, root: Path) -> dict[str, Any]:
    """What a process takes that has loaded the candidate and predicts on one thread."""
    with TemporaryDirectory() as scratch:
        rows = Path(scratch, "rows.parquet")
        held_out = pd.read_parquet(root / config.table("processed", "test"))
        held_out.head(SIZES[-1]).to_parquet(rows, index=False)
        asked = (str((root / MODEL).resolve()), str(rows), str(SECONDS))
        found = watched("latency", root, 0, *asked)
    return {
        "model_mb": round((root / MODEL).stat().st_size / MB, 3),
        "predict_cpu_seconds": found["batches"][-1]["cpu_seconds"],
        "predict_memory_mb": found["memory_mb"],
        "batches": found["batches"],
    }


def answer(model: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Do what a request needs: features from raw rows, their schema, the prediction."""
    features = checked(team.feature_schema(), feature_table(team.features(), rows))
    predict = getattr(model, "predict_proba", model.predict)
    return np.asarray(predict(features))


def timed(model: Pipeline, rows: pd.DataFrame, seconds: float) -> list[dict[str, float]]:
    """Milliseconds a call, and CPU seconds for 1,000 rows, for each size of a batch."""
    found = []
    for size in SIZES:
        batch = rows.iloc[np.resize(np.arange(len(rows)), size)].reset_index(drop=True)
        answer(model, batch)  # what is slow only the first time
        calls: list[float] = []
        cpu, end = process_time(), perf_counter() + seconds
        while len(calls) < LEAST or perf_counter() < end:
            begin = perf_counter()
            answer(model, batch)
            calls.append(perf_counter() - begin)
        spent = (process_time() - cpu) / len(calls) / size * 1000
        median, late = 1000 * np.percentile(calls, [50, 95])
        times = {"median_ms": round(float(median), 3), "p95_ms": round(float(late), 3)}
        found.append({"rows": size, **times, "cpu_seconds": round(spent, 5)})
    return found


def main() -> None:
    """Load the model, predict, print."""
    model, rows, seconds = sys.argv[1:]
    found = timed(load_model(Path(model)), pd.read_parquet(rows), float(seconds))
    print(json.dumps({"batches": found}))


if __name__ == "__main__":
    main()
