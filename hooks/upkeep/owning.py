"""`make own` and `make disown`: a file of the template's that an update leaves to the team."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from guard import names_of_then, stored_answers
from messages import RefusalError
from parsing import problem
from repository import Repository
from steps import say
from trees import ANSWERS, owner_of, rendered, yours

from upkeep.versions import recorded_version


def own(repository: Repository, given: str) -> int:
    """Record a file as the team's, with the version that it comes from.

    Args:
        repository: Of the project.
        given: The file, as the person wrote it.

    Returns:
        The exit status, 0.

    Raises:
        RefusalError: It is no file of the template's.
    """
    answers = stored_answers(repository.place)
    version = recorded_version(answers)
    name = name_in(repository, given, "own")
    if name in yours(answers):
        say(f"{name} is yours since {yours(answers)[name]} of the template.")
        return 0
    owner = owner_of(name)
    if owner == "tools":
        raise RefusalError(f"{name} is written by tools, and no update merges it")
    if owner == "team" or name not in names_of_then(answers["package_name"], version):
        raise RefusalError(f"{name} is none of the template's files: it is yours already")
    if not repository.names("ls-files", "-z", "--", f":(literal){repository.prefix}{name}"):
        raise RefusalError(f"{name} is not in git: `git add` it first")
    record(repository, answers, yours(answers) | {name: version})
    say(
        f"{name} is yours: an update leaves it alone, and says when the template has something new "
        f"in it. Commit {ANSWERS}; `make disown FILE={name}` merges what came meanwhile."
    )
    return 0


def disown(repository: Repository, given: str) -> int:
    """Give a file back to the template, and merge into it what came since it was recorded.

    Args:
        repository: Of the project.
        given: The file, as the person wrote it.

    Returns:
        The exit status, 0.

    Raises:
        RefusalError: It was not recorded, or the merge could lose something, or has conflicts.
    """
    answers = stored_answers(repository.place)
    version = recorded_version(answers)
    name = name_in(repository, given, "disown")
    if name not in yours(answers):
        known = ", ".join(yours(answers)) or "none is"
        raise RefusalError(f"{name} is not recorded as yours ({known})")
    # What the merge writes over must be in git.
    path = f":(literal){repository.prefix}{name}"
    if repository.names("status", "--porcelain", "-z", "--ignored", "--", path):
        raise RefusalError(
            f"{name} is not committed: commit it first, so that git can bring it back"
        )
    since = yours(answers)[name]
    merged = merged_file(repository, name, answers, (since, version))
    target = repository.place / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(merged)
    kept = {other: owned for other, owned in yours(answers).items() if other != name}
    record(repository, answers, kept)
    if has_marks(merged):
        raise RefusalError(
            f"{name} is the template's again, and both changed the same lines since {since}: "
            "choose between the marks, then commit"
        )
    say(f"{name} is the template's again, with what came since {since}. Look at `git diff`.")
    return 0


def name_in(repository: Repository, given: str, command: str) -> str:
    """Return the path of a file from the project's root, with slashes.

    Args:
        repository: Of the project.
        given: What the person wrote, from the current folder.
        command: What to say it after.

    Raises:
        RefusalError: It is empty, outside the project, or a folder.
    """
    if not given:
        raise RefusalError(f"say which file: make {command} FILE=Makefile")
    # Not resolved, since a link is a file of its own.
    path = Path(os.path.abspath(given))
    if path.is_dir():
        raise RefusalError(f"{given} is a folder: name a file in it")
    try:
        return path.relative_to(repository.place).as_posix()
    except ValueError:
        raise RefusalError(f"{given} is outside the project") from None


def merged_file(
    repository: Repository, name: str, answers: Mapping[str, Any], versions: tuple[str, str]
) -> bytes:
    """Merge with a file what the template changed in it between two versions.

    Args:
        repository: Of the project.
        name: The file, which may have been deleted.
        answers: Those of the project.
        versions: The one that the file comes from, and the project's.

    Returns:
        The file, with marks where both changed the same lines.

    Raises:
        RefusalError: The template does not have it any more, or the result could not be read.
        GitError: It is no text.
    """
    old, new = versions
    with rendered(answers, old) as before, rendered(answers, new) as after:
        if not (after / name).exists():
            raise RefusalError(f"{new} of the template has no {name}: it is yours either way")
        ours = repository.place / name
        if not ours.exists():
            return (after / name).read_bytes()
        # An answer may have changed since, and with it whether there is such a file.
        (before / name).parent.mkdir(parents=True, exist_ok=True)
        (before / name).touch()
        command = ["merge-file", "--stdout"]
        for label in ("this project", f"the template, {old}", f"the template, {new}"):
            command += ["-L", label]
        for file in (ours, before / name, after / name):
            command.append(str(file))
        # The status is the number of conflicts, at most 127; above that git has failed.
        merged = repository.git(*command, allowed=tuple(range(128)))
    reason = "" if has_marks(merged) else problem(name, merged)
    if reason:
        raise RefusalError(f"{name} could not be read after the merge ({reason}): it stays yours")
    return merged


def has_marks(text: bytes) -> bool:
    """Return whether git has written two versions into a file."""
    return b"\n>>>>>>> the template, " in text


def record(repository: Repository, answers: Mapping[str, Any], owned: Mapping[str, str]) -> None:
    """Write which files are the team's into the answers, in the form that Copier gives them.

    Args:
        repository: Of the project.
        answers: What is stored.
        owned: The files, with the version that each comes from.
    """
    path = repository.place / ANSWERS
    header = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("#"):
            header.append(line)
    body = yaml.safe_dump({**answers, "yours": dict(owned)}, indent=4, allow_unicode=True)
    path.write_text("".join(header) + body, encoding="utf-8", newline="\n")
