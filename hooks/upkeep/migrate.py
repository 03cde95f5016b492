"""`make migrate`: what a release asks for in the team's own files, shown, or written on consent."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches, unified_diff
from itertools import groupby
from pathlib import Path

from messages import RefusalError, bullets
from parsing import problem
from repository import Repository
from steps import say

from upkeep.migrations import MIGRATIONS
from upkeep.places import Migration, Place, replaced

TABLE = "copier-mlops"
"""The table under `tool` in pyproject.toml that lists what a team declined."""


def migrate(repository: Repository, wanted: str, *, commit: bool) -> int:
    """List what is pending, or write it.

    Args:
        repository: Of the project.
        wanted: A migration, `all`, or nothing to list them.
        commit: Whether each that is written becomes a commit.

    Returns:
        The exit status: 0, or 1 if something is left to a person that was to be written.

    Raises:
        RefusalError: There is no such migration, a file is not committed, or what would be written
            could not be read; that file stays as it was.
        GitError: git refused.
    """
    found = pending(repository.place)
    chosen = choose(found, wanted)
    if not found:
        say("No migration is pending.")
    elif not wanted:
        for migration, places in found.items():
            show(repository.place, migration, places)
        say(
            "\nNext: make migrate APPLY=<name>, or APPLY=all; COMMIT=1 makes a commit of each.\n"
            f"To decline one, write under [tool.{TABLE}.declined] in pyproject.toml why:\n"
            f'  {next(iter(found)).name} = "..."'
        )
    left = []
    for migration in chosen:
        # Found again, since the one before may have moved what it is about.
        places = migration.find(repository.place)
        left += apply(repository, migration, places, commit=commit)
    if left:
        say(f"\nLeft to you:\n{bullets(left)}")
    return 1 if left else 0


def pending(project: Path) -> dict[Migration, list[Place]]:
    """Find what is to do, except what the team declined.

    Args:
        project: The project's folder.

    Raises:
        RefusalError: pyproject.toml cannot be read, or declines something without a reason.
    """
    refused = declined(project)
    found = {}
    for migration in MIGRATIONS:
        places = [] if migration.name in refused else migration.find(project)
        if places:
            found[migration] = places
    return found


def announcement(project: Path) -> str:
    """Say which migrations are pending, in one line; nothing if none is.

    Args:
        project: The project's folder.
    """
    names = ", ".join(migration.name for migration in pending(project))
    return (
        f"Your own files can follow, whenever you want it: {names} (make migrate)" if names else ""
    )


def declined(project: Path) -> Mapping[str, str]:
    """Return the migrations that the team declined, each with the reason.

    Args:
        project: The project's folder.

    Raises:
        RefusalError: pyproject.toml cannot be read, names no migration, or lacks a reason.
    """
    where = f"[tool.{TABLE}.declined] in pyproject.toml"
    try:
        read = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RefusalError(f"pyproject.toml cannot be read: {error}") from None
    refused = read.get("tool", {}).get(TABLE, {}).get("declined", {})
    if not isinstance(refused, dict):
        raise RefusalError(f"{where}: each line is a migration and the reason")
    for name, reason in refused.items():
        if name not in known():
            raise RefusalError(f"{where}: {no_such(name, known())}")
        if not (isinstance(reason, str) and reason.strip()):
            raise RefusalError(f"{where}: {name} needs a reason in words")
    return refused


def known() -> list[str]:
    """Return the names of all migrations."""
    return [migration.name for migration in MIGRATIONS]


def no_such(name: str, names: Sequence[str]) -> str:
    """Say that there is no such migration, and which one was probably meant."""
    near = get_close_matches(name, names, 1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    return f"there is no migration {name}: {meant}"


def choose(found: Mapping[Migration, Sequence[Place]], wanted: str) -> list[Migration]:
    """Return the pending migrations that a person asked for.

    Args:
        found: Those that are pending.
        wanted: One of them, `all`, or nothing.

    Raises:
        RefusalError: There is no such migration.
    """
    if wanted == "all":
        return list(found)
    if wanted and wanted not in known():
        raise RefusalError(no_such(wanted, [*known(), "all"]))
    return [migration for migration in found if migration.name == wanted]


def show(project: Path, migration: Migration, places: Sequence[Place]) -> None:
    """Print what a migration would do."""
    say(f"\n{migration.name}, since {migration.since}: {migration.why}")
    say(f"What it replaces works until {migration.until}.")
    for path, group in by_file(places).items():
        before = (project / path).read_bytes().decode("utf-8", errors="replace")
        after = replaced(before, group)
        lines = unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm="", n=1)
        for line in lines:
            say(f"  {line}")
    for sentence in by_hand(places):
        say(f"  by hand: {sentence}")


def apply(
    repository: Repository, migration: Migration, places: Sequence[Place], *, commit: bool
) -> list[str]:
    """Write what a migration would, and look at the result.

    Args:
        repository: Of the project.
        migration: The one that was asked for.
        places: What it found.
        commit: Whether this becomes a commit.

    Returns:
        What is left to a person.

    Raises:
        RefusalError: A file is not committed, or would be one that nobody can read, or something
            would be found again; no file was changed.
    """
    texts = {}
    for path, group in by_file(places).items():
        require_committed(repository, path)
        content = (repository.place / path).read_bytes()
        after = replaced(content.decode("utf-8"), group).encode("utf-8")
        if reason := problem(path, after):
            raise RefusalError(f"{migration.name} would break {path} ({reason}): do it by hand")
        texts[path] = (content, after)
    # Only once every file is known to be sound.
    for path, (_, after) in texts.items():
        (repository.place / path).write_bytes(after)
    # Found again it would be asked for for ever.
    left = migration.find(repository.place)
    if any(place.span for place in left):
        for path, (before, _) in texts.items():
            (repository.place / path).write_bytes(before)
        raise RefusalError(f"{migration.name} did not settle, and nothing was changed: report it")
    if texts:
        say(f"{migration.name}: wrote {', '.join(texts)}")
        if commit:
            names = [f":(literal){repository.prefix}{path}" for path in texts]
            message = f"Migrate to {migration.since}: {migration.name}"
            repository.git("commit", "--quiet", "--no-gpg-sign", "-m", message, "--", *names)
    return by_hand(left)


def require_committed(repository: Repository, path: str) -> None:
    """Demand that git can bring a file back.

    Args:
        repository: Of the project.
        path: The file, from the project's root.

    Raises:
        RefusalError: It has changes that are not committed, or git does not know it.
    """
    name = f":(literal){repository.prefix}{path}"
    if repository.names("status", "--porcelain", "-z", "--ignored", "--", name):
        raise RefusalError(
            f"{path} is not committed: commit it first, so that git can bring it back"
        )


def by_file(places: Sequence[Place]) -> dict[str, list[Place]]:
    """Return the places that can be written, by their file."""
    written = [place for place in places if place.span is not None]
    written.sort(key=lambda place: place.path)
    return {path: list(group) for path, group in groupby(written, lambda place: place.path)}


def by_hand(places: Sequence[Place]) -> list[str]:
    """Return a sentence for each place that is left to a person."""
    return [f"{place.path}:{place.line}: {place.what}" for place in places if place.span is None]
