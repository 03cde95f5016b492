"""Brings the champion or the model of a branch, and scores it on today's rows by its own code."""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import team
from ..config import Config
from ..errors import ProjectError
from ..git import find_commit
from ..modeling import manifest
from ..modeling.predictions import (
    CachedClassifier,
    CachedDecider,
    CachedModel,
    CachedRegressor,
    cache_predictions,
)
from ..tracking import MODEL_FILES, has_registry, registry

if TYPE_CHECKING:
    from .evidence import Evidence

CHAMPION = "champion"
"""In the place of a branch: the champion of this machine's registry."""

MACHINERY = __name__.rpartition(".promotion.")[0]

ENTRY_POINT = f"{MACHINERY}.modeling.predict"
"""What every commit brings itself: it prints nothing and writes predictions to a file."""


class NamedModel(NamedTuple):
    """A model to compare with another.

    Attributes:
        name: As it was asked for.
        commit: The commit of its code.
        folder: Its files.
    """

    name: str
    commit: str
    folder: Path


def bring_model(config: Config, root: Path, name: str, scratch: Path) -> NamedModel:
    """Bring the model of another commit, or the champion.

    Args:
        config: The project's settings.
        root: The project.
        name: A branch, a tag or a commit, or CHAMPION.
        scratch: A folder for its files, where git or DVC have them.

    Raises:
        ProjectError: There is no such commit, no model of it, or no champion.
    """
    if name == CHAMPION:
        return _champion(config, root)
    commit = find_commit(root, name)
    _bring_committed(root, f"{name} ({commit[:7]})", commit, scratch)
    return NamedModel(name, commit, scratch)


def _champion(config: Config, root: Path) -> NamedModel:
    model = config.model.name
    version = registry.by_alias(root, model, CHAMPION) if has_registry(root) else None
    if version is None:
        raise ProjectError(
            "there is no champion here: `make registry-pull` takes the one that git names, and "
            "`make promote` makes the first"
        )
    folder = registry.fetch(root, model, version)
    return NamedModel(CHAMPION, version.tags.get("git_commit", ""), folder)


def _bring_committed(root: Path, name: str, commit: str, folder: Path) -> None:
    """Write the files of the model of a commit to a folder, from DVC's cache or its remote."""
    # Imported here: it takes a third of a second.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    try:
        files = DVCFileSystem(str(root), rev=commit)
        # Not `exists`, to which whatever goes wrong is a file that is not there.
        committed = files.find("models", maxdepth=1, detail=True)
        for file in MODEL_FILES:
            facts = committed.get(f"models/{file}", {})
            # What dvc.yaml names and dvc.lock does not has no checksum: it was never committed.
            is_of_git = bool(facts) and "dvc_info" not in facts
            if is_of_git or "md5" in facts:
                files.get_file(f"models/{file}", str(folder / file))
    except (OSError, DvcException) as error:
        raise ProjectError(
            f"the model of {name} is neither in DVC's cache here nor in the remote: `uv run dvc "
            "fetch --all-branches` brings it, once it was sent by `uv run dvc push --all-commits` "
            f"where it is ({error})"
        ) from None
    if not (folder / MODEL_FILES[0]).exists():
        raise ProjectError(
            f"no model was committed on {name}: `make pipeline` there, and commit dvc.lock"
        )


def score_test_set(evidence: "Evidence", folder: Path, commit: str) -> CachedModel:
    """Predict the test set with any model, by the code that it was trained with.

    Args:
        evidence: The project, with its test set.
        folder: The folder with the model, its manifest and, unless it is older than that, its code.
        commit: The commit of its code; empty if none was recorded.

    Returns:
        The predictions, in the order of the rows.

    Raises:
        ProjectError: The model cannot be loaded, or its code cannot read these rows.
    """
    if team.is_code(manifest.read(folder).get("code")):
        return cache_predictions(manifest.load(folder), evidence.features)
    # Today's features may mean something else than those that the model was trained on.
    table = evidence.root / evidence.config.table("processed", "test")
    return score_with_own_code(evidence.root, commit, folder, table)


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
