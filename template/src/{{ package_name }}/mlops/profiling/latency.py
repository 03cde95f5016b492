"""What a prediction takes by the number of rows that are asked at once.

Run as a module, with a model, raw rows and the seconds for a size, it measures and prints.
"""

import json
import os
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
from ..pipeline.recording import BYTES_PER_MB, peak_memory_mb
from . import MODEL, run_alone

SIZES = (1, 10, 100, 1000)
"""Rows in a batch."""

SECONDS = 0.6
"""For which each size is asked again and again."""

MIN_CALLS = 3
"""Of each size, however long they take."""


def serve(config: Config, root: Path) -> dict[str, Any]:
    """Measure a process that has loaded the candidate and predicts on one thread.

    Args:
        config: Names the test set.
        root: The project's folder, with the candidate in models/.

    Returns:
        `model_mb`, the size of the model's file; `predict_cpu_seconds` for 1,000 rows in one batch;
        `predict_memory_mb`, the peak; and `batches`, a record a size as `timed` gives it.

    Raises:
        ProjectError: The candidate cannot be loaded, or cannot predict.
    """
    with TemporaryDirectory() as scratch:
        rows = Path(scratch, "rows.parquet")
        test = pd.read_parquet(root / config.table("processed", "test"))
        test.head(SIZES[-1]).to_parquet(rows, index=False)
        model = (root / MODEL).resolve()
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        found = run_alone("latency", root, environment, str(model), str(rows), str(SECONDS))
    largest = found["batches"][-1]
    return {
        "model_mb": round((root / MODEL).stat().st_size / BYTES_PER_MB, 3),
        "predict_cpu_seconds": largest["cpu_seconds"],
        "predict_memory_mb": found["memory_mb"],
        "batches": found["batches"],
    }


def answer(model: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Do what a request needs: features from raw rows, their schema, the prediction.

    Args:
        model: The model.
        rows: Rows of the raw table.

    Returns:
        Shape (n_rows,), or (n_rows, n_classes) of a classifier with probabilities.
    """
    features = checked(team.feature_schema(), feature_table(team.features(), rows))
    predict = getattr(model, "predict_proba", model.predict)
    return np.asarray(predict(features))


def time_batches(model: Pipeline, rows: pd.DataFrame, seconds: float) -> list[dict[str, float]]:
    """Time predictions by the size of a batch.

    Args:
        model: The model.
        rows: Rows of the raw table; they are repeated where a batch needs more.
        seconds: For how long each size is asked.

    Returns:
        For each size `rows`, `median_ms` and `p95_ms` of a call, and `cpu_seconds` for 1,000 rows.
    """
    found = []
    for size in SIZES:
        positions = np.resize(np.arange(len(rows)), size)
        batch = rows.iloc[positions].reset_index(drop=True)
        # What is slow only the first time, such as an import, is no part of a usual call.
        answer(model, batch)
        calls: list[float] = []
        cpu_before = process_time()
        end = perf_counter() + seconds
        while len(calls) < MIN_CALLS or perf_counter() < end:
            began = perf_counter()
            answer(model, batch)
            calls.append(perf_counter() - began)
        # CPU time is too coarse for one call: it is taken of all, and shared out.
        cpu_per_row = (process_time() - cpu_before) / len(calls) / size
        median, p95 = np.percentile(calls, [50, 95])
        found.append(
            {
                "rows": size,
                "median_ms": round(1000 * float(median), 3),
                "p95_ms": round(1000 * float(p95), 3),
                "cpu_seconds": round(1000 * cpu_per_row, 5),
            }
        )
    return found


def main() -> None:
    """Load the model, predict, print."""
    model_path, rows_path, seconds = sys.argv[1:]
    model = load_model(Path(model_path))
    batches = time_batches(model, pd.read_parquet(rows_path), float(seconds))
    print(json.dumps({"batches": batches, "memory_mb": round(peak_memory_mb(), 1)}))


if __name__ == "__main__":
    main()
