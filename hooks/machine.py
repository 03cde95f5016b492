"""Check the machine before anything starts. Each check returns one sentence, or nothing."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from steps import ask

NEEDED_GB = 2
"""Room for the environment, the data and what the first run makes."""

DEEPEST = 160
"""The longest path below a project has 147 characters, in its environment."""

WINDOWS_PATH_MAX = 260


def problems(place: Path, python_version: str, env: dict[str, str], *, commits: bool) -> list[str]:
    """Find everything that stands in the way, all at once.

    Args:
        place: The project's folder.
        python_version: The lowest version that the project supports.
        env: The variables with which commands will run.
        commits: Whether the hook will make a commit, which needs an author.

    Returns:
        One sentence for each problem, with what to do about it.
    """
    found = [path_problem(place), write_problem(place), disk_problem(place)]
    if shutil.which("git"):
        found.append(repository_problem(place, env))
        if commits:
            found.append(identity_problem(env))
    else:
        found.append("git is not on PATH: install it from your system's packages.")
    if shutil.which("uv"):
        found.append(python_problem(python_version, env))
    else:
        found.append("uv is not on PATH: install it, for instance with `pip install uv`.")
    return [problem for problem in found if problem]


def path_problem(place: Path) -> str:
    """Refuse a path that leaves no room for the files below it, or that cannot stand in PATH."""
    if sys.platform == "win32":
        length = len(str(place))
        limit = WINDOWS_PATH_MAX
    else:
        # POSIX counts bytes, not characters.
        length = len(os.fsencode(place))
        limit = os.pathconf("/", "PC_PATH_MAX")
        # PATH will hold the environment's folder of programs.
        if re.search("[:\n]", str(place)):
            return f"{str(place)!r} has a colon or a line break, which PATH cannot hold: rename it."
    if length + DEEPEST > limit:
        return (
            f"The destination's path has {length} characters, and at most {limit - DEEPEST} leave "
            f"room for the files below it: choose a shorter one than {place}"
        )
    return ""


def write_problem(place: Path) -> str:
    """Write a file that is gone again at once."""
    # Tried, not asked: permissions do not say what a read-only file system will do.
    try:
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as error:
        return f"{place} cannot be written to ({error.strerror}): allow it, or choose another."


def disk_problem(place: Path) -> str:
    """Ask for room on the disk."""
    free = shutil.disk_usage(place).free / 1e9
    if free >= NEEDED_GB:
        return ""
    return f"{place} has {free:.1f} GB free of the {NEEDED_GB} GB needed: free some, or move."


def repository_problem(place: Path, env: dict[str, str]) -> str:
    """Refuse a folder that another repository tracks: a project is the root of its own."""
    here = ("git", "-C", str(place))
    status, answer = ask(env, *here, "rev-parse", "--show-toplevel")
    if status == 0:
        if Path(answer).samefile(place):
            return ""
        # What the other repository ignores is not its own.
        ignored, _ = ask(env, *here, "check-ignore", "--quiet", ".")
        if ignored == 0:
            return ""
        return (
            f"{place} is inside the git repository {answer}: choose a folder outside it, "
            "or `git init` the destination first."
        )
    # To be no repository is fine, unless the folder claims to be one.
    if "not a git repository" not in answer or (place / ".git").exists():
        return f"git cannot read the repository at {place}: {first_line(answer)}"
    return ""


def identity_problem(env: dict[str, str]) -> str:
    """Ask for an author of the first commit who was set, not one that git makes up."""
    # With EMAIL set, git's guess is what the person meant.
    only_configured = "false" if "EMAIL" in env else "true"
    for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        status, _ = ask(env, "git", "-c", f"user.useConfigOnly={only_configured}", "var", who)
        if status:
            return (
                'git does not know who commits: run `git config --global user.name "Your Name"` '
                "and `git config --global user.email you@example.org`."
            )
    return ""


def python_problem(version: str, env: dict[str, str]) -> str:
    """Look for an installed interpreter, as uv will."""
    status, answer = ask(env, "uv", "python", "find", f">={version}")
    if status == 0:
        return ""
    return (
        f'No Python {version} or later is installed (`uv python find ">={version}"`: '
        f"{first_line(answer)}): install one, for instance with `uv python install {version}`."
    )


def first_line(text: str) -> str:
    """Return the line in which git and uv say what is wrong; hints follow it."""
    return text.strip().partition("\n")[0]
