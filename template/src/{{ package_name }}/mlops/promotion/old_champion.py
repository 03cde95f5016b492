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

ENTRY_POINT = f"{__name__.rpartition('.promotion.')[0]}.modeling.predict"
"""What every commit brings itself: it prints nothing and writes predictions to a file."""


def score_with_own_code(root: Path, commit: str, folder: Path, table: Path) -> CachedModel:
    """The predictions of the model in `folder` for the rows of `table`, by the code of `commit`.

    ProjectError if the commit is not here, or its code cannot read these rows.
    """
    git = ["git", "-C", str(root), "archive", "--format=tar", commit or "unknown", "src"]
    done = subprocess.run(git, capture_output=True, check=False)
    if done.returncode:
        raise ProjectError(
            f"its commit {commit[:7] or '(none)'} is not here: `git fetch` brings it"
        )
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(scratch, filter="data")
        out = Path(scratch, "predictions.npz")
        command = [sys.executable, "-m", ENTRY_POINT, str(folder), str(table), str(out)]
        env = os.environ | {"PYTHONPATH": str(Path(scratch, "src"))}
        run = subprocess.run(
            command, cwd=scratch, env=env, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise ProjectError((run.stderr.strip().splitlines() or ["its code failed"])[-1])
        with np.load(out) as found:
            if "probabilities" in found:
                return CachedClassifier(
                    found["predictions"], found["probabilities"], found["classes"]
                )
            return CachedRegressor(found["predictions"])
