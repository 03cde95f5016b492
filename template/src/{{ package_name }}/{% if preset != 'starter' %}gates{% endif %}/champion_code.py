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
from ..evaluation.scores import Classes, Numbers, Remembered

PACKAGE = (__package__ or "").partition(".")[0]
SCRIPT = """\
import sys
import numpy as np, pandas as pd
from PACKAGE.contract import feature_table
from PACKAGE.errors import ProjectError
from PACKAGE.features import FEATURES
from PACKAGE import passport
from pathlib import Path
folder, table, out = map(Path, sys.argv[1:])
if passport.read(folder).get("code") != passport.code_hash():
    sys.exit("its commit holds other code than it was made with")
try:
    features = feature_table(FEATURES, pd.read_parquet(table))
    model = passport.load(folder)
    found = {"predictions": np.asarray(model.predict(features))}
    if hasattr(model, "predict_proba"):
        found |= {"chances": model.predict_proba(features), "classes": model.classes_}
except ProjectError as error:
    sys.exit(str(error))
np.savez(out, **found)
"""


def score_with_own_code(root: Path, commit: str, folder: Path, table: Path) -> Remembered:
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
        script = SCRIPT.replace("PACKAGE", PACKAGE)
        command = [sys.executable, "-c", script, str(folder), str(table), str(out)]
        env = os.environ | {"PYTHONPATH": str(Path(scratch, "src"))}
        run = subprocess.run(
            command, cwd=scratch, env=env, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise ProjectError((run.stderr.strip().splitlines() or ["its code failed"])[-1])
        with np.load(out) as found:
            if "chances" in found:
                return Classes(found["predictions"], found["chances"], found["classes"])
            return Numbers(found["predictions"])
