"""Notebooks keep their pictures here, and git keeps them without.

`python -m <package>.mlops.notebooks` is run before each commit.
"""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import ProjectError
from .git import git

STRIP = ("nbstripout", "--extra-keys", "metadata.language_info")
"""Takes the output out of a notebook, and the version of Python that it ran with."""


def set_filter(root: Path) -> None:
    """Tell git to keep notebooks without their output; .gitattributes says which files these are.

    The files here keep their pictures. Where the environment is gone, git warns and takes a file as
    it is, which a hook refuses: to require the filter would let no command of git succeed.

    Args:
        root: The project, which is a git repository.

    Raises:
        ProjectError: git does not take the setting.
    """
    # By its path, since git has no environment activated.
    command = f"{shlex.quote(sys.executable)} -m {shlex.join(STRIP)}"
    git(root, "config", "filter.nbstripout.clean", command)
    # pre-commit runs this before it takes away what is not staged: its own hooks come too late.
    hook = root / git(root, "rev-parse", "--git-path", "hooks/pre-commit.legacy")
    if not hook.exists() or "mlops.notebooks" in hook.read_text(encoding="utf-8"):
        python = shlex.quote(sys.executable)
        lines = ["#!/bin/sh", f"test -x {python} || exit 0"]
        lines.append(f"exec {python} -m {__name__}")
        hook.parent.mkdir(parents=True, exist_ok=True)
        hook.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        hook.chmod(0o755)


def refresh(root: Path) -> None:
    """Let git see that notebooks of which only the output changed are as they were.

    A file of another size counts as modified before git looks at it through a filter. What brings
    back the staged files, as `git checkout .` does, would then overwrite the pictures.

    Args:
        root: The project.

    Raises:
        ProjectError: git cannot compare the files.
    """
    notebooks = ("-z", "--", "*.ipynb")
    touched = git(root, "ls-files", "--modified", *notebooks).split("\0")
    edited = git(root, "diff", "--name-only", "--relative", *notebooks).split("\0")
    same = sorted(set(touched) - set(edited))
    if same:
        # What it adds is what is staged already.
        git(root, "add", "--", *same)


def check_content(root: Path, names: Sequence[str], max_bytes: int) -> None:
    """Check notebooks as git keeps them: what is staged, and what would be if it were added.

    Args:
        root: The project.
        names: Paths from its root.
        max_bytes: What a file may have without its output.

    Raises:
        ProjectError: Says what was found, and where.
    """
    edited = git(root, "diff", "--name-only", "--relative", "-z", "--", *names).split("\0")
    tracked = git(root, "ls-files", "-z", "--", *names).split("\0")
    staged = {}
    here = {}
    for name in names:
        if name in tracked:
            staged[name] = f":./{name}"
        # Staged, it may still be as it was before somebody edited it.
        if name not in tracked or name in edited:
            here[name] = git(root, "hash-object", "-w", "--", name)
    for blobs in (staged, here):
        if blobs:
            _check_blobs(root, blobs, max_bytes)


def _check_blobs(root: Path, blobs: Mapping[str, str], max_bytes: int) -> None:
    """Check notebooks as git has them, through its filters: what git calls each, by its path."""
    commands = (
        ((*STRIP, "--verify"), "run `make setup`, then `git add --renormalize` on it"),
        (("detect-secrets-hook",), "take it out and revoke it"),
        (("codespell", "--toml", str(root / "pyproject.toml")), "respell it"),
    )
    with TemporaryDirectory() as scratch:
        for name, blob in blobs.items():
            copy = Path(scratch, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(git(root, "cat-file", "blob", blob) + "\n", encoding="utf-8")
            if copy.stat().st_size > max_bytes:
                raise ProjectError(f"{name} is larger than 1 MB without output: split it")
        for command, fix in commands:
            done = subprocess.run(
                [*command, *blobs], cwd=scratch, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise ProjectError(f"{(done.stdout + done.stderr).strip()}\n{fix}")


if __name__ == "__main__":
    refresh(Path.cwd())
