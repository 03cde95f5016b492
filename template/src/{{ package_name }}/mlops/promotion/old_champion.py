"""Scores a champion whose features or models were written otherwise than they are now."""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np

from ..errors import ProjectError
from ..modeling import manifest
from ..modeling.predictions import (
    CachedClassifier,
    CachedDecider,
    CachedModel,
    CachedRegressor,
)

MACHINERY = __name__.rpartition(".promotion.")[0]

ENTRY_POINT = f"{MACHINERY}.modeling.predict"
"""What every commit brings itself: it prints nothing and writes predictions to a file."""


def score_with_own_code(root: Path, commit: str, folder: Path, table: Path) -> CachedModel:
    """Predict with a model's own code: the snapshot beside it, else that of its commit.

    Args:
        root: The project, whose repository may have the commit.
        commit: The commit; empty if none was recorded.
        folder: The folder with the model, its manifest and, unless it is older than that, its code.
        table: The rows to predict, as Parquet.

    Returns:
        The predictions, in the order of the rows.

    Raises:
        ProjectError: The commit is not here, or its code cannot read these rows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        unpack_code(root, commit, folder, Path(scratch))
        out = Path(scratch, "predictions.npz")
        _predict(Path(scratch), folder, table, out)
        is_classifier = bool(manifest.read(folder).get("classes"))
        return _read(out, is_classifier=is_classifier)


def unpack_code(root: Path, commit: str, folder: Path, target: Path) -> Path:
    """Unpack a model's own code: the snapshot beside it, else that of its commit.

    Args:
        root: The project, whose repository may have the commit.
        commit: The commit; empty if none was recorded.
        folder: The folder with the model, its manifest and, unless it is older than that, its code.
        target: Where to unpack it.

    Returns:
        The folder in `target` that has the package.

    Raises:
        ProjectError: There is no such code here, or it is not what the manifest names.
    """
    source = target / "src"
    if (folder / manifest.SNAPSHOT).exists():
        recorded = manifest.read(folder).get("snapshot", "")
        manifest.unpack_snapshot(folder, recorded, source)
    else:
        # A checkout would disturb the working tree; this leaves it alone.
        with tarfile.open(fileobj=BytesIO(_archive(root, commit))) as files:
            files.extractall(target, filter="data")
    return source


def _archive(root: Path, commit: str) -> bytes:
    """The package as it was at the commit, as a tar file."""
    # A tag is text that anybody may have written, and git would take `-...` for an option.
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise ProjectError(f"the version names no commit, but {commit!r}")
    command = ["git", "-C", str(root), "archive", "--format=tar", commit, "src"]
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


def _read(path: Path, *, is_classifier: bool) -> CachedModel:
    """The predictions in a file that the champion's own code wrote."""
    try:
        with np.load(path) as file:
            arrays = dict(file)
    except ValueError:
        # NumPy refuses what was pickled, as earlier versions wrote classes that are words.
        raise ProjectError(
            "the code of its commit writes classes that are words as objects, which are not loaded"
        ) from None
    predictions = arrays["predictions"]
    if "probabilities" in arrays:
        return CachedClassifier(predictions, arrays["probabilities"], arrays["classes"])
    if "decisions" in arrays:
        return CachedDecider(predictions, arrays["decisions"], arrays["classes"])
    # Earlier versions wrote no decisions, and then no classes either.
    if is_classifier and "classes" not in arrays:
        raise ProjectError(
            "it is a classifier without probabilities, and the code of its commit writes nothing "
            "else that ranks rows"
        )
    return CachedRegressor(predictions)
