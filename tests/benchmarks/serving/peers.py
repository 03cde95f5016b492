"""Whom the benchmark compares: what each installs, how it starts, how it wants to be asked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVERS = Path(__file__).parent / "servers"

Rows = list[dict[str, float]]
Probabilities = list[list[float]]


@dataclass(frozen=True)
class Peer:
    """One way to serve the model.

    Attributes:
        name: Its row in the table.
        packages: What its environment installs beside scikit-learn and pandas; nothing if it runs
            in the project's own environment.
        command: From the folder of its programs and the port, the command that serves.
        one: The path that takes single rows.
        many: The path that takes a table.
        ask: Makes a request's body of rows.
        read: Finds the probabilities in an answer.
        settings: What was set, for the table's notes.
        prepare: What is done before it starts, from the folder of its programs and the model's.
        environment: Environment variables of its own.
    """

    name: str
    packages: tuple[str, ...]
    command: Callable[[Path, int], list[str]]
    one: str
    many: str
    ask: Callable[[Rows], Any]
    read: Callable[[Any], Probabilities]
    settings: str
    prepare: Callable[[Path, Path], None] = lambda programs, model: None
    environment: Callable[[Path, int], dict[str, str]] = lambda model, port: {}


def records(rows: Rows) -> Any:
    return {"rows": rows}


def row_or_list(rows: Rows) -> Any:
    return rows[0] if len(rows) == 1 else rows


def as_it_is(answer: Any) -> Probabilities:
    found: Probabilities = answer
    return found


def tensor(rows: Rows) -> Any:
    """One tensor of the V2 inference protocol."""
    values = [list(row.values()) for row in rows]
    shape = [len(rows), len(rows[0])]
    data = [value for row in values for value in row]
    return {"inputs": [{"name": "rows", "shape": shape, "datatype": "FP64", "data": data}]}


def read_tensor(answer: Any) -> Probabilities:
    output = answer["outputs"][0]
    n_classes = output["shape"][1]
    data = output["data"]
    return [data[start : start + n_classes] for start in range(0, len(data), n_classes)]


def read_ours(answer: Any) -> Probabilities:
    return [list(one["probabilities"].values()) for one in answer["predictions"]]


def save_for_mlflow(programs: Path, model: Path) -> None:
    if not (model / "mlflow").exists():
        subprocess.run([programs / "python", SERVERS / "mlflow_model.py"], check=True)


def write_mlserver_settings(programs: Path, model: Path) -> None:
    """Write the folder that `mlserver start` reads.

    Without `parallel_workers`: its processes do not start with the uvloop that it installs.
    """
    folder = model / "mlserver"
    folder.mkdir(exist_ok=True)
    settings = {"debug": False, "parallel_workers": 0, "host": "127.0.0.1"}
    of_model = {
        "name": "tumours",
        "implementation": "mlserver_app.Tumours",
        "max_batch_size": 64,
        "max_batch_time": 0.001,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(of_model))


PEERS = (
    Peer(
        "mlflow models serve",
        ("mlflow", "uvicorn[standard]"),
        lambda programs, port: [
            *(str(programs / "mlflow"), "models", "serve", "--env-manager", "local"),
            *("--model-uri", str(programs.parent.parent / "model" / "mlflow")),
            *("--workers", "1", "--port", str(port)),
        ],
        "/invocations",
        "/invocations",
        lambda rows: {"dataframe_records": rows},
        lambda answer: as_it_is(answer["predictions"]),
        "one worker, uvloop and httptools installed, signature in the model",
        prepare=save_for_mlflow,
        environment=lambda model, port: {"UVICORN_ACCESS_LOG": "false"},
    ),
    Peer(
        "plain FastAPI",
        ("fastapi", "uvicorn[standard]"),
        lambda programs, port: [
            *(str(programs / "uvicorn"), "fastapi_app:app", "--app-dir", str(SERVERS)),
            *("--port", str(port), "--no-access-log", "--log-level", "warning"),
        ],
        "/predict",
        "/predict-rows",
        row_or_list,
        as_it_is,
        "one worker, uvloop, httptools, a pydantic model of the row, a DataFrame for each request",
    ),
    Peer(
        "BentoML",
        ("bentoml", "uvicorn[standard]"),
        lambda programs, port: [
            *(str(programs / "bentoml"), "serve", "bentoml_app:Tumours"),
            *("--working-dir", str(SERVERS), "--host", "127.0.0.1", "--port", str(port)),
        ],
        "/predict",
        "/predict_rows",
        records,
        as_it_is,
        "one worker, max_batch_size 64, the wait is learned, tables by a path without batching",
        environment=lambda model, port: {"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Peer(
        "LitServe",
        ("litserve",),
        lambda programs, port: [
            *(str(programs / "python"), str(SERVERS / "litserve_app.py"), str(port))
        ],
        "/predict",
        "/predict",
        records,
        as_it_is,
        "one API server, one worker, max_batch_size 64, batch_timeout 1 ms",
    ),
    Peer(
        "MLServer",
        ("mlserver",),
        lambda programs, port: [
            *(str(programs / "mlserver"), "start"),
            str(programs.parent.parent / "model" / "mlserver"),
        ],
        "/v2/models/tumours/infer",
        "/v2/models/tumours/infer",
        tensor,
        read_tensor,
        "model in the server's process, max_batch_size 64, max_batch_time 1 ms",
        prepare=write_mlserver_settings,
        environment=lambda model, port: {
            "PYTHONPATH": str(SERVERS),
            "MLSERVER_HTTP_PORT": str(port),
            "MLSERVER_GRPC_PORT": str(port + 1),
            "MLSERVER_METRICS_PORT": str(port + 2),
        },
    ),
    Peer(
        "ours",
        (),
        lambda programs, port: [str(programs / "churn-radar"), "serve", "--port", str(port)],
        "/predict",
        "/predict",
        lambda rows: rows[0] if len(rows) == 1 else rows,
        read_ours,
        "as `make serve` starts it",
    ),
)
