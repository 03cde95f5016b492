"""The two trees of an update: what the template made of the answers then, and what it makes now."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Container, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from repository import Repository
from wiring import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(REPOSITORY / "tools"))

from ownership import owners

ANSWERS = ".copier-answers.yml"


def is_teams(name: str) -> bool:
    """Return whether the team owns a path, so that no update touches it.

    Args:
        name: The path from the project's root, with slashes.
    """
    return "team" in owners(name)


def owner_of(name: str, owned: Container[str] = ()) -> str:
    """Return who owns a path; what no row of the table knows is the team's.

    Args:
        name: The path from the project's root, with slashes.
        owned: The files that the team has recorded as its own.
    """
    return "team" if name in owned else next(iter(owners(name)), "team")


def yours(answers: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that the team has recorded as its own, with the version of each.

    Args:
        answers: Those of the project; older ones record none.
    """
    return dict(answers.get("yours") or {})


@contextmanager
def rendered(answers: Mapping[str, Any], version: str) -> Iterator[Path]:
    """Render one version of the template in a folder that goes away.

    Args:
        answers: Those of the project.
        version: A tag or a commit of the template.

    Yields:
        The folder.
    """
    with TemporaryDirectory() as folder:
        target = Path(folder, "project")
        render_into(target, answers, version)
        # Not to be merged: it is what Copier writes of this update.
        (target / ANSWERS).unlink()
        yield target


def render_into(target: Path, answers: Mapping[str, Any], version: str) -> None:
    """Render one version of the template, without its hooks.

    Args:
        target: The folder to make.
        answers: What Copier keeps beside them is not asked for; all others have their defaults.
        version: A tag or a commit of the template.
    """
    # Imported here: nothing else of a hook needs it, and it takes a second.
    import copier

    copier.run_copy(
        str(REPOSITORY),
        target,
        data={name: answer for name, answer in answers.items() if not name.startswith("_")},
        vcs_ref=version,
        defaults=True,
        quiet=True,
        skip_tasks=True,
    )


def files_of(folder: Path) -> set[str]:
    """Return the path of each file below a folder, with slashes."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_symlink() or path.is_file():
            found.add(path.relative_to(folder).as_posix())
    return found


def drop(folder: Path, names: set[str]) -> None:
    """Delete files from a render.

    Args:
        folder: The render.
        names: Paths in it.
    """
    for name in names:
        (folder / name).unlink()


def tree_of(repository: Repository, folder: Path) -> str:
    """Write HEAD with a folder in the project's place, as a tree of git.

    Args:
        repository: Of the project; it gets the objects, which nothing refers to.
        folder: A render.

    Returns:
        The hash of the tree.
    """
    with TemporaryDirectory() as scratch:
        base = Path(scratch, "tree")
        inner = base / repository.prefix
        inner.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, inner, symlinks=True, dirs_exist_ok=True)
        env = {"GIT_INDEX_FILE": os.path.join(scratch, "index"), "GIT_WORK_TREE": str(base)}
        git_dir = repository.git("rev-parse", "--absolute-git-dir")
        apart = replace(repository, env=env | {"GIT_DIR": os.fsdecode(git_dir).rstrip("\n")})
        apart.git("read-tree", "HEAD")
        # What is around the project stays; inside, nothing but the render counts.
        inside = repository.prefix or "."
        apart.git("rm", "--cached", "-r", "--force", "--quiet", "--ignore-unmatch", "--", inside)
        apart.git("add", "--force", "--all", "--", inside)
        return apart.git("write-tree").decode().strip()
