"""What an update would find in one project of a fleet, in a clone that goes away."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guard import defects, stored_answers
from merge import merge
from messages import RefusalError
from repository import Repository, repository_of
from steps import environment
from trees import ANSWERS

from upkeep.drift import edited, pristine
from upkeep.migrate import pending
from upkeep.versions import newer_releases, recorded_version

CLONE_SECONDS = 600
"""The longest that one repository may keep the others waiting."""

NEWEST, CLEAN = "newest", "clean"
"""Forecasts: nothing to update, or an update without conflicts."""


@dataclass
class Forecast:
    """What is known of one project.

    Attributes:
        repository: Its address.
        commit: The commit that was looked at.
        version: The version of the template that it has.
        newer: The releases since then, the oldest first.
        drift: The number of files that the team edited, by their owner.
        update: `newest`, `clean`, or what stands in the way of an update.
        files: The files in conflict, or the reasons of a refusal.
        migrations: The names of those that are pending.
        champion: The champion's version, score and day; empty without one.
        problem: Why nothing else is known; most often empty.
    """

    repository: str
    commit: str = ""
    version: str = ""
    newer: list[str] = field(default_factory=list)
    drift: dict[str, int] = field(default_factory=dict)
    update: str = ""
    files: list[str] = field(default_factory=list)
    migrations: list[str] = field(default_factory=list)
    champion: str = ""
    problem: str = ""


def forecast(address: str) -> Forecast:
    """Examine one project; what goes wrong with it is said in the result.

    Args:
        address: A path, or whatever git clones.
    """
    found = Forecast(address)
    try:
        with cloned(address) as project:
            examine(project, found)
    # One project that cannot be looked at must not keep the others from it.
    except Exception as error:
        found.problem = " ".join(str(error).split()) or type(error).__name__
    return found


@contextmanager
def cloned(address: str) -> Iterator[Repository]:
    """Clone a repository for a moment.

    Args:
        address: A path, or whatever git clones.

    Yields:
        The project in it.

    Raises:
        RefusalError: git cannot clone it.
    """
    with TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True) as folder:
        place = Path(folder).resolve() / "project"
        command = ["git", "-c", "core.hooksPath=", "clone", "--quiet", "--", address, str(place)]
        try:
            done = subprocess.run(
                command,
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CLONE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RefusalError(f"git did not clone it within {CLONE_SECONDS} s") from None
        if done.returncode:
            last = done.stderr.strip().splitlines()
            raise RefusalError(f"git cannot clone it: {last[-1] if last else 'no reason given'}")
        yield repository_of(place)


def examine(project: Repository, found: Forecast) -> None:
    """Fill in what there is to know.

    Args:
        project: The clone.
        found: Gets it.

    Raises:
        RefusalError: The template has no such version.
        GitError: The project has no answers, or git refused.
    """
    found.commit = project.git("rev-parse", "HEAD").decode().strip()
    answers = stored_answers(project.place)
    found.version = recorded_version(answers)
    found.newer = newer_releases(found.version)
    drift = edited(project, pristine(project, answers))
    found.drift = {owner: len(names) for owner, names in drift.items()}
    found.migrations = [migration.name for migration in pending(project.place)]
    found.champion = champion(project.place)
    # A clone has nothing that is not committed, so only lasting reasons count.
    refusals = defects(project, answers)
    if not found.newer:
        found.update = NEWEST
    elif refusals:
        found.update, found.files = "refused", refusals
    else:
        found.files = conflicts(project, found.newer[-1])
        found.update = conflicts_in_words(found.files)


def champion(place: Path) -> str:
    """Return what the project's record says of its champion, in a few words.

    Args:
        place: The project's folder.
    """
    path = place / "models" / "champion.json"
    if not path.is_file():
        return ""
    record: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    day = str(record["when"]).partition("T")[0]
    return f"{record['version']}, {record['metric']} {record['score']:.3f}, {day}"


def conflicts(project: Repository, version: str) -> list[str]:
    """Merge a version into the clone, and return the files in which a person has to choose.

    Args:
        project: The clone, which is changed.
        version: The release.
    """
    path = project.place / ANSWERS
    text = path.read_text(encoding="utf-8")
    # As Copier would write it; a default for a new question changes no conflict.
    path.write_text(re.sub(r"(?m)^_commit: .*$", f"_commit: {version}", text), encoding="utf-8")
    merged = merge(project, version)
    return sorted({*merged.conflicts, *merged.broken})


def conflicts_in_words(names: list[str]) -> str:
    """Say how an update would end."""
    if not names:
        return CLEAN
    return f"{len(names)} conflict{'s' if len(names) > 1 else ''}"
