"""Scores a champion whose features or models were written otherwise than they are now."""

import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np

from ..errors import ProjectError
from ..evaluation.scores import CachedClassifier, CachedModel, CachedRegressor

MACHINERY = __name__.rpartition(".promotion.")[0]

ENTRY_POINT = f"{MACHINERY}.modeling.predict"
"""What every commit brings itself: it prints nothing and writes predictions to a file."""


def score_with_own_code(root: Path, commit: str, folder: Path, table: Path) -> CachedModel:
    """Predict with a model's own code, which is that of the commit it was trained at.

    Args:
        root: The project, whose repository has the commit.
        commit: The commit; empty if none was recorded.
        folder: The folder with the model and its manifest.
        table: The rows to predict, as Parquet.

    Returns:
        The predictions, in the order of the rows.

    Raises:
        ProjectError: The commit is not here, or its code cannot read these rows.
    """
    archive = _archive(root, commit)
    with tempfile.TemporaryDirectory() as scratch:
        # A checkout would disturb the working tree; this leaves it alone.
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(scratch, filter="data")
        out = Path(scratch, "predictions.npz")
        _predict(Path(scratch), folder, table, out)
        return _read(out)


def _archive(root: Path, commit: str) -> bytes:
    """The package as it was at the commit, as a tar file."""
    # No commit is called that: git fails, and the error says so.
    revision = commit or "unknown"
    command = ["git", "-C", str(root), "archive", "--format=tar", revision, "src"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        name = commit[:7] or "(none)"
        raise ProjectError(f"its commit {name} is not here: `git fetch` brings it")
    return done.stdout


def _predict(scratch: Path, folder: Path, table: Path, out: Path) -> None:
    command = [sys.executable, "-m", ENTRY_POINT, str(folder), str(table), str(out)]
    # In a process of its own, since this one has imported today's modules.
    env = os.environ | {"PYTHONPATH": str(scratch / "src")}
    done = subprocess.run(
        command, cwd=scratch, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        # The last line of a traceback is the error itself.
        raise ProjectError(lines[-1] if lines else "its code failed")


def _read(path: Path) -> CachedModel:
    with np.load(path) as arrays:
        if "probabilities" in arrays:
            return CachedClassifier(
                arrays["predictions"], arrays["probabilities"], arrays["classes"]
            )
        return CachedRegressor(arrays["predictions"])
