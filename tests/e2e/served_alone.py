"""A champion with all that the serve image holds, and a client that asks from where it runs."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from e2e.copier_runs import succeed

USER = 10001
LOG = Path("data", "feedback", "predictions")
FILES = ("docker", "src", ".dockerignore", "Makefile", "params.yaml", "pyproject.toml", "uv.lock")

# What a promotion leaves in models/, and what the model says offline, without any service.
MAKE_CHAMPION = """
import json, shutil, sys
from pathlib import Path
import numpy as np
import pandas as pd
from churn_radar.mlops import team
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import load_config
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.inputs import feature_table, request_columns
from churn_radar.mlops.promotion import golden, record
from churn_radar.mlops.tracking import MODEL_FILES, files_of

project, root = Path(sys.argv[1]), Path.cwd()
config = load_config(root)
folder = root / record.FILES
folder.mkdir(parents=True)
for name in MODEL_FILES:
    shutil.copy(project / "models" / name, folder)
golden.record(config, folder)
hashes = {name: file_hash(folder / name) for name in files_of(folder)}
record.write(root, {"version": 7, "commit": "a" * 40, "chosen": "linear", "files": hashes})
rows = request_columns(pd.read_parquet(project / config.table("processed", "test")).head(300))
expected = manifest.load(folder).predict_proba(feature_table(team.features(), rows))
(root / "rows.json").write_text(json.dumps(golden.as_json(rows)))
np.save(root / "expected.npy", expected)
"""

READ_LOG = """
from pathlib import Path
from churn_radar.mlops.serving.log import read_log
print(len(read_log(Path())))
"""

ASK = """
import json, sys, time
from urllib.request import ProxyHandler, Request, build_opener

began = time.monotonic()

def ask(path, body=None):
    request = Request("http://127.0.0.1:8000" + path, body, {"Content-Type": "application/json"})
    while True:
        try:
            return json.load(build_opener(ProxyHandler({})).open(request, timeout=30))
        except OSError:
            if time.monotonic() > began + 120:
                raise
            time.sleep(0.1)

ask("/ready")
seconds = time.monotonic() - began
answer = ask("/predict", sys.stdin.buffer.read())
print(json.dumps({"seconds": seconds, "model": ask("/model")["champion"], "answer": answer}))
"""
"""Lets a service predict the rows from standard input, as soon as it can."""


@dataclass(frozen=True)
class Bundle:
    """A folder with what the image is built from, and rows with their offline probabilities."""

    root: Path
    python: Path
    rows: str
    expected: np.ndarray

    def require_same(self, told: dict[str, Any]) -> None:
        """Hold what the client was answered against what the model says offline."""
        assert told["model"]["version"] == 7
        shares = [list(one["probabilities"].values()) for one in told["answer"]["predictions"]]
        assert np.abs(np.array(shares) - self.expected).max() < 1e-9

    def wait_for_log(self, n_rows: int) -> None:
        """Wait until the prediction log holds so many rows; more are a fault."""
        read = ("env", "PYTHONPATH=src", str(self.python), "-c", READ_LOG)
        end = time.monotonic() + 30
        while (found := int(succeed(self.root, *read))) < n_rows:
            assert time.monotonic() < end, f"{found} of {n_rows} rows were logged"
        assert found == n_rows


def make_bundle(project: Path, root: Path) -> Bundle:
    """Make the candidate of a project a champion, in a folder of its own.

    Args:
        project: A project with its environment, in which the pipeline ran.
        root: The folder, which is made.
    """
    root.mkdir()
    for name in FILES:
        if (project / name).is_dir():
            shutil.copytree(project / name, root / name, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy(project / name, root / name)
    (root / LOG).mkdir(parents=True)
    shutil.chown(root / LOG, USER, USER)
    (python,) = project.glob(".venv/*/python")
    succeed(root, "env", "PYTHONPATH=src", str(python), "-c", MAKE_CHAMPION, str(project))
    rows = (root / "rows.json").read_text(encoding="utf-8")
    return Bundle(root, python, rows, np.load(root / "expected.npy"))


def model_processes(front: int) -> list[int]:
    """The ids of the processes with a model that a service has started."""
    children = Path(f"/proc/{front}/task/{front}/children").read_text().split()
    found = []
    for child in children:
        if b"serving.backend" in Path(f"/proc/{child}/cmdline").read_bytes():
            found.append(int(child))
    return found


def told(output: str) -> dict[str, Any]:
    """What the client printed."""
    found: dict[str, Any] = json.loads(output)
    return found
