"""Runs in the project's environment: writes its champion for the peers, and times it in process.

Usage: python offline.py export FOLDER, or python offline.py time FOLDER.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import pandas as pd

REPEATS = 100


def export(folder: Path) -> None:
    """Write the model, the rows that are asked, and what the model says of them.

    The peers do not have the project's package, so the pipeline's selectors of columns, which are
    functions of it, become the names that they selected. Nothing else changes.
    """
    from churn_radar.mlops import team
    from churn_radar.mlops.modeling import manifest
    from churn_radar.mlops.modeling.inputs import feature_table

    raw = pd.read_csv(next(Path("data/raw").glob("*.csv"))).drop(columns="target")
    raw.columns = raw.columns.str.replace(" ", "_")
    features = feature_table(team.features(), raw)
    model = manifest.load(Path("models"))
    expected = model.predict_proba(features)
    columns = model[0]
    columns.transformers = [
        (name, step, list(names)) for name, step, names in columns.transformers_
    ]
    columns._columns = [list(names) for _, _, names in columns.transformers_]
    if not (model.predict_proba(features) == expected).all():
        sys.exit("The model that is exported predicts something else.")
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    (folder / "rows.json").write_text(json.dumps(raw.to_dict("records")))
    (folder / "expected.json").write_text(json.dumps(expected.tolist()))


def time_batch(folder: Path) -> None:
    """Print median milliseconds: of one record; of 1,000 rows as a table, as records, as JSON."""
    model = joblib.load(folder / "model.joblib")
    rows = json.loads((folder / "rows.json").read_text())
    thousand = (rows * 2)[:1_000]
    table = pd.DataFrame(thousand)
    body = json.dumps(thousand)
    found = {
        "one": milliseconds(lambda: model.predict_proba(pd.DataFrame(rows[:1]))),
        "ready": milliseconds(lambda: model.predict_proba(table)),
        "records": milliseconds(lambda: model.predict_proba(pd.DataFrame(thousand))),
        "json": milliseconds(lambda: model.predict_proba(pd.DataFrame(json.loads(body)))),
    }
    print(json.dumps(found))


def milliseconds(call: Callable[[], Any]) -> float:
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return 1_000 * median(taken)


if __name__ == "__main__":
    {"export": export, "time": time_batch}[sys.argv[1]](Path(sys.argv[2]))
