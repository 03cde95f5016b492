"""Before an update writes anything: what would be lost, as no merge can bring it back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from repository import GitError, Repository
from steps import ask, environment
from trees import ANSWERS, is_teams
from wiring import REPOSITORY, TEMPLATE, render_name

OLDEST_PYTHON = (3, 11)
"""The first version that reads TOML, as the merge has to."""

MAX_LISTED = 10
"""Files of a kind that a sentence names."""


def refusals(repository: Repository, answers: Mapping[str, Any]) -> list[str]:
    """Find all that stands in the way of an update.

    Args:
        repository: Of the project, as it was before the update.
        answers: Those that will be used: what is stored, and over it what the person gave.

    Returns:
        One sentence for each problem, with what to do about it.
    """
    found = defects(repository, answers)
    found += uncommitted(repository, names_of_both(answers))
    return found


def defects(repository: Repository, answers: Mapping[str, Any]) -> list[str]:
    """Find what stands in the way of an update and a commit does not mend.

    Args:
        repository: Of the project.
        answers: Those that will be used.

    Returns:
        One sentence for each problem, with what to do about it.
    """
    found = []
    if sys.version_info < OLDEST_PYTHON:
        found.append("Copier runs on a Python before 3.11: choose one with `uvx --python`.")
    package = answers["package_name"]
    if not (repository.place / "src" / package / "mlops").is_dir():
        found.append(
            f"src/{package}/mlops is not there, and the update would make it again beside yours: "
            f"name the package's folder {package} again."
        )
    found += unsafe_paths(repository, names_of_both(answers))
    found += left_over(repository)
    found += foreign_answers(answers)
    return found


def names_of_both(answers: Mapping[str, Any]) -> set[str]:
    """Return every path that Copier may write or delete in an update."""
    package = answers["package_name"]
    return names_of_now(package) | names_of_then(package, answers["_commit"])


def unsafe_paths(repository: Repository, names: set[str]) -> Iterator[str]:
    """Find files that an update writes over and git does not keep, and folders in a file's place.

    Args:
        repository: Of the project.
        names: Every path that Copier may write or delete.

    Yields:
        One sentence for each.
    """
    tracked = set(repository.names("ls-files", "-z", "--", repository.prefix or "."))
    for name in sorted(names):
        path = repository.place / name
        for folder in PurePosixPath(name).parents:
            if (repository.place / folder).is_file():
                yield f"{folder} is a file, and the template has a folder there: move it away."
        if path.is_dir() and not path.is_symlink():
            yield f"{name} is a folder, and the template has a file there: move it away."
        elif os.path.lexists(path) and f"{repository.prefix}{name}" not in tracked:
            yield (
                f"{name} is not in git, and the update would write over it: `git add --force "
                f"{name}` and commit it, or move it away."
            )


def names_of_now(package: str) -> set[str]:
    """Return the path of every file that this version of the template can render.

    Args:
        package: The name of the Python package.

    Returns:
        Paths from the project's root, without what is the team's; whether an answer leaves one out
        does not count.
    """
    found = (path for path in TEMPLATE.rglob("*") if path.is_file())
    return rendered_names([path.relative_to(TEMPLATE).as_posix() for path in found], package)


def names_of_then(package: str, version: str) -> set[str]:
    """Return what `names_of_now` does, for the version of the last update.

    Args:
        package: The name of the Python package.
        version: That version.
    """
    template = Repository(REPOSITORY, REPOSITORY)
    within = f"{version}:{TEMPLATE.name}"
    listed = template.names("ls-tree", "-r", "-z", "--name-only", "--full-tree", within)
    return rendered_names(listed, package)


def rendered_names(listed: list[str], package: str) -> set[str]:
    """Return the paths that files of the template get in a project.

    Args:
        listed: Paths in the template.
        package: The name of the Python package.
    """
    found = set()
    for path in listed:
        name = "/".join(render_name(part) for part in path.split("/"))
        # The answers have a name that Copier can be told; here they have their own.
        name = ANSWERS if fnmatchcase(ANSWERS, name) else name
        name = name.replace("{{ package_name }}", package)
        if not is_teams(name):
            found.add(name)
    return found


def uncommitted(repository: Repository, names: set[str]) -> Iterator[str]:
    """Find work that the merge, or giving it up, would take away, and Copier does not ask about.

    Copier looks into the project's folder alone, and sees what the person's git was told to show.

    Args:
        repository: Of the project.
        names: The paths of which `unsafe_paths` speaks.

    Yields:
        At most two sentences: the files of a kind in one, and once what to do about them.

    Raises:
        GitError: git refused.
    """
    # By the person's own line ends, and rules of what is ignored: `git clean` goes by them too.
    command = ["git", "-C", str(repository.top), "status", "--porcelain", "-z", "--no-renames"]
    command += ["--untracked-files=all", "--ignore-submodules=dirty"]
    failed, printed = ask(environment(), *command)
    if failed:
        raise GitError(f"git status failed: {printed}")
    changed, unknown = [], []
    for entry in filter(None, printed.split("\0")):
        state, name = entry[:2], entry[3:]
        is_within = name.startswith(repository.prefix)
        if state != "??":
            changed.append(name)
        elif is_within and name.removeprefix(repository.prefix) not in names:
            unknown.append(name)
    if changed:
        yield f"commit what changed, or `git stash` it: {listed(changed)}."
    if unknown:
        yield (
            "commit what git does not have, move it away, or name it in .gitignore: "
            f"{listed(unknown)}."
        )


def listed(names: list[str]) -> str:
    """Return the first names, and how many more there are.

    Args:
        names: Of files.
    """
    n_more = len(names) - MAX_LISTED
    more = f" and {n_more} more" if n_more > 0 else ""
    return ", ".join(names[:MAX_LISTED]) + more


def left_over(repository: Repository) -> Iterator[str]:
    """Find what an earlier update could not place, which Copier would take for its own.

    Args:
        repository: Of the project.

    Yields:
        One sentence, if there is any.
    """
    # What .gitignore hides as well, but not what packages bring.
    where = (f":(glob){repository.prefix}**/*.rej", ":(exclude,glob)**/.venv/**")
    names = repository.names("ls-files", "-z", "--others", "--", *where)
    if names:
        yield (
            "make by hand the changes that an earlier update could not place, then delete: "
            f"{listed(names)}."
        )


def foreign_answers(answers: Mapping[str, Any]) -> Iterator[str]:
    """Find answers that this version does not offer; Copier would take the default in silence.

    Args:
        answers: Those that will be used.

    Yields:
        One sentence for each.
    """
    for name, offered in choices(TEMPLATE.parent / "copier.yml").items():
        if name in answers and answers[name] not in offered:
            known = ", ".join(str(choice) for choice in offered)
            yield (
                f"the answer {name}: {answers[name]} is no choice of this version ({known}): say "
                f"which with `--data {name}=...`."
            )


@cache
def choices(settings: Path) -> dict[str, list[Any]]:
    """Return what each question with choices offers.

    Args:
        settings: The file that asks. It takes a tenth of a second, so it is read once.
    """
    found = {}
    for name, question in yaml.safe_load(settings.read_text(encoding="utf-8")).items():
        offered = question.get("choices") if isinstance(question, dict) else None
        if offered:
            found[name] = list(offered.values()) if isinstance(offered, dict) else offered
    return found


def stored_answers(place: Path) -> dict[str, Any]:
    """Return the answers that a project has stored.

    Args:
        place: The project's folder.

    Raises:
        GitError: They cannot be read.
    """
    path = place / ANSWERS
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {"package_name": answers["package_name"], **answers}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        raise GitError(
            f"{ANSWERS} cannot be read: bring it back with `git checkout HEAD -- {ANSWERS}`"
        ) from None
