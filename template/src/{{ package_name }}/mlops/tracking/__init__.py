"""Runs, model versions and their aliases: what they are, and the files that name them."""

import json
import os
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import names
from ..checksums import file_hash
from ..errors import ProjectError

MODEL_FILES = ("model.skops", "manifest.json", "code.zip")
"""The files of a model version; the model itself comes first."""

GOLDEN = "golden.json"
"""The requests that a version must answer before it serves, kept beside its files."""

CARD = "model-card.md"
"""The model card as it was when the version was registered."""

RECORD = Path("reports", "runs.json")
"""What each stage took, and the run of the model that is in models/."""


@dataclass(frozen=True)
class Run:
    """One run to log.

    Attributes:
        experiment: `<model>/<purpose>`, as the naming table has it.
        name: The name of the run, as `run_name` makes it.
        params: Settings, by dotted names.
        metrics: Measured values.
        tags: What else is known, such as the commit.
        files: Paths to keep with the run, under the project's root.
        tables: The tables that it read.
        seconds: What it took until now.
        model: What it made, such as the chosen candidate; empty if it made no model.
    """

    experiment: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Sequence[Path] = ()
    tables: Sequence["Table"] = ()
    seconds: float = 0.0
    model: str = ""


@dataclass(frozen=True)
class Table:
    """A table that a run read.

    Attributes:
        step: Which one: `raw`, `train` or `test`.
        path: From the project's root.
        md5: Of the file, which is its name in DVC.
    """

    step: str
    path: Path
    md5: str


@dataclass(frozen=True)
class Logged:
    """A run as the store has it; `started` is an ISO time in UTC."""

    id: str
    name: str
    experiment: str
    started: str
    metrics: dict[str, float]
    tags: dict[str, str]


def as_logged(run: Any, experiment: str) -> Logged:
    """Return what is known of a run.

    Args:
        run: MLflow's own.
        experiment: The name of its experiment.
    """
    # MLflow counts milliseconds.
    started = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
    return Logged(
        id=run.info.run_id,
        name=run.info.run_name,
        experiment=experiment,
        started=started.isoformat(),
        metrics=run.data.metrics,
        tags=run.data.tags,
    )


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        number: Its number, counted for each model from 1.
        tags: Among them `sha256` of the model file and `git_commit`.
        run: The id of the run that its files are kept with.
        source: The address of its files.
    """

    number: int
    tags: dict[str, str]
    run: str
    source: str


def files_of(folder: Path) -> list[str]:
    """Return which of the files of a model version stand in a folder.

    Args:
        folder: A version's folder. One that was registered before there were golden requests has
            none of these, and one before there were cards no card.
    """
    return [name for name in (*MODEL_FILES, GOLDEN, CARD) if (folder / name).exists()]


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a model version, by its name.

    Args:
        folder: A version's folder.
    """
    return {name: file_hash(folder / name) for name in files_of(folder)}


def has_registry(root: Path) -> bool:
    """Return whether there is a registry to ask, which makes none, and the library for it.

    Args:
        root: The project.
    """
    is_there = "MLFLOW_TRACKING_URI" in os.environ or (root / "models" / "mlflow.db").exists()
    return is_there and find_spec("mlflow") is not None


def any_tagged(root: Path, key: str, value: str) -> bool:
    """Return whether a run may have a tag, without MLflow, which takes seconds to start.

    Args:
        root: The project, which has a store in models/.
        key: The name of the tag.
        value: Its text.

    Returns:
        False only if no run has it, deleted ones included; true if the store cannot be read.
    """
    store = (root / "models" / "mlflow.db").resolve()
    query = "SELECT 1 FROM tags WHERE key = ? AND value = ?"
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as database:
            return database.execute(query, (key, value)).fetchone() is not None
    except sqlite3.Error:
        # Of another version of MLflow, or in use: it has to be asked itself.
        return True


def run_name(what: str, where: str) -> str:
    """Return the name of a run of this moment, as in linear-main-20260131-142530.

    Args:
        what: What is run, such as the chosen candidate.
        where: What tells it from others, such as the branch.

    Returns:
        Both in lower-case words, the day and the time in UTC.
    """
    # A branch may have any character in its name.
    words = re.sub("[^a-z0-9]+", "-", f"{what}-{where}".lower()).strip("-")
    return f"{words}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def write_json(path: Path, facts: Any) -> None:
    """Write a JSON file as a whole or not at all.

    Args:
        path: The file to write; its folder is made.
        facts: What can be written as JSON.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # With the process's number, so that two processes do not write into one file.
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def read_record(root: Path) -> dict[str, Any]:
    """Return what reports/runs.json holds; nothing if it is not there."""
    path = root / RECORD
    # A new clone, or a project in which nothing ran yet.
    if not path.exists():
        return {}
    facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return facts


def logged_run(root: Path, sha256: str) -> str | None:
    """Return the run that was logged of a model, if it was logged here.

    Args:
        root: The project.
        sha256: The checksum of the model file.

    Returns:
        The id of the run; None if the last run that was logged here is of another model.
    """
    record = read_record(root)
    if record.get("sha256") != sha256:
        return None
    return record.get("run")


def require_name(kind: str, name: str) -> None:
    """Raise ProjectError if the name breaks the naming table.

    Args:
        kind: What is named: a row of the naming table.
        name: The name.
    """
    problem = names.problem(kind, name)
    if problem:
        raise ProjectError(problem)
