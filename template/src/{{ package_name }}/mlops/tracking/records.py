"""What a run and a model version are, and the files that name them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import names
from ..errors import ProjectError

MODEL_FILES = ("model.skops", "manifest.json")

RECORD = Path("reports", "runs.json")
"""What each stage took, and the run of the model that is in models/."""


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


def read_record(root: Path) -> dict[str, Any]:
    """Return what reports/runs.json holds; nothing if it is not there."""
    path = root / RECORD
    facts: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return facts


def logged_run(root: Path, sha256: str) -> str | None:
    """Return the run that was logged of the model with this hash, if it was logged here."""
    record = read_record(root)
    return record.get("run") if record.get("sha256") == sha256 else None


def require_name(kind: str, name: str) -> None:
    """Raise ProjectError if the name breaks the naming table."""
    if message := names.problem(kind, name):
        raise ProjectError(message)
