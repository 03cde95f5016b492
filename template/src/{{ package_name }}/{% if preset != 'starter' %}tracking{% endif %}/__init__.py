"""Runs and model versions, by the names of the naming table, in the store that was chosen.

`runs.py` and `registry.py` are that store: MLflow, or plain files in models/ledger.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from .. import naming
from ..errors import ProjectError

MODEL_FILES = ("model.skops", "passport.json")


@dataclass(frozen=True)
class Run:
    """One run to log; `files` lie under the project's root."""

    experiment: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class Logged:
    """A run as the store has it; `started` is an ISO time in UTC."""

    id: str
    name: str
    experiment: str
    started: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Version:
    """A version of a registered model, and the run that its files lie with."""

    number: int
    tags: dict[str, str]
    run: str
    source: str


def log(root: Path, run: Run) -> str:
    """Log the run and return its id; ProjectError if a name breaks the naming table."""
    from . import runs

    _named("experiment", run.experiment)
    _named("run", run.name)
    return runs.log(root, run)


def register(
    root: Path, model: str, folder: Path, run: str | None, tags: Mapping[str, str]
) -> Version:
    """The model in `folder` as a version with its sha256 as a tag: the one it has, or a new one.

    Without a run one is logged, since a version's files lie with a run.
    """
    from . import registry

    _named("model", model)
    if absent := [name for name in MODEL_FILES if not (folder / name).is_file()]:
        raise ProjectError(f"{folder / absent[0]} is missing: run `make pipeline`, then try again")
    with (folder / MODEL_FILES[0]).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    for version in registry.versions(root, model):
        if version.tags.get("sha256") == digest and "pruned" not in version.tags:
            return version
    if run is None:
        name = run_name("version", digest)
        run = log(root, Run(f"{model}/registry", name, {}, {}, {}))
    return registry.add(root, model, folder, run, {**tags, "sha256": digest})


def run_name(what: str, digest: str) -> str:
    """The name of a run of today: <what>-<day>-<seven digits>."""
    return f"{what.replace('_', '-')}-{datetime.now(UTC):%Y%m%d}-{digest[:7]}"


def gone(model: str, version: Version) -> str:
    """What is said of a version without files."""
    return f"the files of {model} version {version.number} are gone: choose a version that has them"


def write_json(path: Path, facts: Any) -> None:
    """Write the file whole or not at all, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def _named(kind: str, name: str) -> None:
    if message := naming.problem(kind, name):
        raise ProjectError(message)
