"""git as the update uses it: on the project's repository, whatever the person's settings say."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from steps import MISLEADING

NEUTRAL = {
    "apply.whitespace": "nowarn",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "core.safecrlf": "false",
    "diff.algorithm": "histogram",
    "diff.noprefix": "false",
    "diff.renameLimit": "20000",
    "merge.conflictStyle": "merge",
    "merge.default": "text",
    "merge.directoryRenames": "true",
    "merge.renameLimit": "20000",
    "merge.renames": "true",
    "merge.renormalize": "false",
    "rerere.enabled": "false",
    "status.showUntrackedFiles": "all",
    "submodule.recurse": "false",
}
"""Settings under which a merge of the same trees is the same on every machine."""


class GitError(Exception):
    """git refused; the text is what it said."""


@dataclass(frozen=True)
class Repository:
    """A repository, and the folder in it that is the project.

    Attributes:
        top: The repository's folder.
        place: The project's folder; often the same.
        env: Further variables for git.
    """

    top: Path
    place: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The project's folder before a path: empty, or with a slash at its end."""
        inner = self.place.relative_to(self.top).as_posix()
        return "" if inner == "." else f"{inner}/"

    def git(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> bytes:
        """Run git in the repository's folder.

        Args:
            arguments: The subcommand and its arguments.
            allowed: The exit statuses that are no failure.

        Returns:
            What git printed.

        Raises:
            GitError: git ended with another status.
        """
        command = ["git"]
        for name, value in NEUTRAL.items():
            command += ["-c", f"{name}={value}"]
        env = {name: value for name, value in os.environ.items() if name not in MISLEADING}
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.top,
            env=env | {"LC_ALL": "C"} | self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode not in allowed:
            said = done.stderr.decode(errors="replace").strip()
            raise GitError(f"git {arguments[0]} failed: {said}")
        return done.stdout

    def names(self, *arguments: str) -> list[str]:
        """Return the paths that git prints with `-z`, as a path of this system holds them."""
        printed = self.git(*arguments)
        return [os.fsdecode(name) for name in printed.split(b"\0") if name]


def repository_of(place: Path) -> Repository:
    """Return the repository in which a project is.

    Args:
        place: The project's folder.

    Raises:
        GitError: It is in none.
    """
    here = place.resolve()
    printed = Repository(here, here).git("rev-parse", "--show-toplevel")
    return Repository(Path(os.fsdecode(printed).rstrip("\n")).resolve(), here)
