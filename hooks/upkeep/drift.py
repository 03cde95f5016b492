"""How a project differs from what its version of the template made of its answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard import stored_answers
from repository import Repository
from trees import drop, files_of, owner_of, rendered, tree_of, yours

from upkeep.versions import recorded_version


@dataclass(frozen=True)
class Pristine:
    """What the template made, without what is the team's.

    Attributes:
        tree: It, as a tree of git.
        names: The path of each of its files, from the repository's root.
    """

    tree: str
    names: list[str]


def pristine(repository: Repository, answers: Mapping[str, Any]) -> Pristine:
    """Render the version that a project has.

    Args:
        repository: Of the project; it gets the objects, which nothing refers to.
        answers: What the project has stored.

    Raises:
        RefusalError: The template does not have that version.
        GitError: git refused.
    """
    with rendered(answers, recorded_version(answers)) as folder:
        names = files_of(folder)
        owned = yours(answers)
        teams = {name for name in names if owner_of(name, owned) == "team"}
        drop(folder, teams)
        # Files that the team added beside these are no drift.
        listed = [f"{repository.prefix}{name}" for name in sorted(names - teams)]
        return Pristine(tree_of(repository, folder), listed)


def edited(repository: Repository, made: Pristine) -> dict[str, list[str]]:
    """Return the files of each owner that the team edited or deleted, from the project's root.

    Args:
        repository: Of the project.
        made: What the template made.
    """
    found: dict[str, list[str]] = {"template": [], "shared": []}
    for path in difference(repository, made, "--name-only", "-z").decode().split("\0"):
        name = path.removeprefix(repository.prefix)
        # A file that is not merged is listed twice.
        if name and name not in found[owner_of(name)]:
            found[owner_of(name)].append(name)
    return found


def difference(repository: Repository, made: Pristine, *options: str) -> bytes:
    """Compare what the template made with the work tree.

    Args:
        repository: Of the project.
        made: What the template made.
        options: Those of `git diff`.
    """
    # What a name holds is no pattern.
    command = ("--literal-pathspecs", "diff", "--no-ext-diff", *options, made.tree, "--")
    return repository.git(*command, *made.names)


def template_diff(repository: Repository) -> int:
    """Show what the team changed in files of the template's, and in shared ones.

    Args:
        repository: Of the project.

    Returns:
        The exit status, 0.
    """
    color = "always" if sys.stdout.isatty() else "never"
    made = pristine(repository, stored_answers(repository.place))
    sys.stdout.buffer.write(difference(repository, made, f"--color={color}"))
    sys.stdout.flush()
    return 0
