"""What the tests share: git, copies of the template, the projects rendered from it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import copier
import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
Answers = Mapping[str, str | bool]


@dataclass(frozen=True)
class Project:
    """A rendered project. Others read it too: change only a copy()."""

    path: Path

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file of the project, as a path with slashes."""
        found = (path for path in self.path.rglob("*") if path.is_file() or path.is_symlink())
        names = (path.relative_to(self.path).as_posix() for path in found)
        return tuple(sorted(name for name in names if not name.startswith(".git/")))

    def files(self) -> dict[str, bytes]:
        """Return the content of every file by its path."""
        return {name: (self.path / name).read_bytes() for name in self.paths}

    def text(self, name: str) -> str:
        """Return the text of one file."""
        return (self.path / name).read_bytes().decode("utf-8")

    def copy(self, target: Path) -> Project:
        """Copy the files to a folder that does not exist yet."""
        shutil.copytree(self.path, target, ignore=shutil.ignore_patterns(".git"))
        return Project(target)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Make a folder once for all processes of a run, and return it. Change only a copy.

    https://pytest-xdist.readthedocs.io/en/stable/how-to.html, "Making session-scoped fixtures
    execute only once".

    Args:
        factory: Of this process.
        name: The folder's name, which no other fixture has.
        make: Makes the folder, which does not exist yet.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # all processes of a run share it
    folder = base / "made_once" / name
    folder.parent.mkdir(exist_ok=True)
    is_whole = folder.with_name(f"{name}.made")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not is_whole.exists():
            # What failed in one process is tried again by the next.
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            is_whole.touch()
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it printed. Raises AssertionError with its message."""
    command = ["git", "-c", "core.autocrlf=false", *arguments]
    result = subprocess.run(command, cwd=folder, check=False, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, f"git {' '.join(arguments)}: {result.stderr}"
    return result.stdout


def commit(folder: Path, message: str, tag: str = "") -> None:
    """Commit everything in the folder, which becomes a repository if it is none, and tag it."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "-b", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
    if tag:
        git(folder, "tag", tag)


def copy_template(target: Path) -> Path:
    """Copy this repository's files, committed or not, to a repository tagged v1.0.0.

    Copier takes versions from tags, and cannot update what came from a work tree with changes.
    """
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    commit(target, "First version", "v1.0.0")
    return target


def questions() -> dict[str, dict[str, object]]:
    """Return the questions of copier.yml by name."""
    settings = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in settings.items() if not name.startswith("_")}


def render(template: Path, target: Path, answers: Answers, version: str = "v1.0.0") -> Project:
    """Render the template without its hooks. Raises ValueError for an answer to no question."""
    if unknown := answers.keys() - questions().keys():
        raise ValueError(f"copier.yml asks no such question: {', '.join(sorted(unknown))}")
    copier.run_copy(
        str(template),
        target,
        data=dict(answers),
        vcs_ref=version,
        defaults=True,
        quiet=True,
        skip_tasks=True,
    )
    return Project(target)
