"""Runs in the project's environment: writes its champion for the peers, and times it beside one.

Usage: python offline.py export FOLDER, or python offline.py time FOLDER PORT PATH.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
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


def time_batch(folder: Path, port: str, path: str) -> None:
    """Print median milliseconds: of the pipeline here, and of a server that has the same model.

    The pipeline predicts one record, and 1,000 rows as a table, as records, and as JSON. The server
    is sent the 1,000 rows of table.json. All take turns, since the machine is not as fast in one
    minute as in the next.
    """
    model = joblib.load(folder / "model.joblib")
    rows = json.loads((folder / "rows.json").read_text())
    thousand = (rows * 2)[:1_000]
    table = pd.DataFrame(thousand)
    body = json.dumps(thousand)
    sent = (folder / "table.json").read_bytes()
    connection = HTTPConnection("127.0.0.1", int(port), timeout=60)
    calls: dict[str, Callable[[], Any]] = {
        "one": lambda: model.predict_proba(pd.DataFrame(rows[:1])),
        "ready": lambda: model.predict_proba(table),
        "records": lambda: model.predict_proba(pd.DataFrame(thousand)),
        "json": lambda: model.predict_proba(pd.DataFrame(json.loads(body))),
        "served": lambda: send(connection, path, sent),
    }
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - begin)
    print(json.dumps({name: 1_000 * median(seconds) for name, seconds in taken.items()}))


def send(connection: HTTPConnection, path: str, body: bytes) -> None:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        sys.exit(f"the server answered {answer.status}: {said[:200]!r}")


if __name__ == "__main__":
    task, folder, *server = sys.argv[1:]
    if task == "export":
        export(Path(folder))
    else:
        time_batch(Path(folder), *server)
