"""Puts files into the project: all of them or none, and never over somebody's work."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from mlops.errors import ProjectError

RECORD = Path("reports", "wiring.json")
STAGE = "wiring.tmp"


def run(root: Path, *command: str, may_fail: bool = False) -> str:
    """Run a tool of the project's environment.

    Args:
        root: The folder in which it runs.
        command: The program, which `uv run` has put on PATH, and its arguments.
        may_fail: Whether another exit status than 0 is no error.

    Returns:
        What the tool printed.

    Raises:
        ProjectError: The tool failed; the message has its last line.
    """
    # Colors would get into the messages.
    env = os.environ | {"NO_COLOR": "1"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        output = done.stderr.strip() or done.stdout.strip() or "it said nothing"
        raise ProjectError(f"`{' '.join(command[:2])}` failed: {output.splitlines()[-1]}")
    return done.stdout


@contextmanager
def open_stage(root: Path) -> Iterator[Path]:
    """Make a folder in the project for what is not whole yet; it is gone afterwards."""
    stage = root / STAGE
    # It is there if a wiring before was killed.
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def format_texts(root: Path, stage: Path, texts: dict[str, str]) -> dict[str, bytes]:
    """Write the texts into the stage and run the project's linter and formatter over the code.

    Args:
        root: The project's folder, whose settings the tools read.
        stage: A folder in it.
        texts: The files by their path from the root.

    Returns:
        The files as the tools leave them, by the same paths.
    """
    for name, text in texts.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text, encoding="utf-8", newline="\n")
    code = [f"{stage.name}/{name}" for name in texts if name.endswith(".py")]
    run(root, "ruff", "check", "--select", "I", "--fix", "--quiet", *code)
    # The project's environment has black only if it is the formatter that was chosen.
    formatter = ["black", "--quiet"] if find_spec("black") else ["ruff", "format", "--quiet"]
    run(root, *formatter, *code)
    return {name: (stage / name).read_bytes() for name in texts}


def unknown_words(root: Path, stage: Path) -> set[str]:
    """Return the words of the data that the spelling check would take for errors."""
    found = run(root, "codespell", stage.name, may_fail=True)
    return {word.lower() for word in re.findall(r":\d+: (\S+) ==>", found)}


def refuse_to_overwrite(root: Path, names: list[str], *, replace: bool) -> None:
    """Make sure that no edit of a person is lost.

    Args:
        root: The project's folder.
        names: The files that will be replaced or removed.
        replace: Whether edits may be replaced, as long as git has them.

    Raises:
        ProjectError: Somebody edited a file, and did not ask for it to be replaced or did not
            commit it.
    """
    edited = [name for name in names if _is_edited(root, name)]
    if edited and not replace:
        raise ProjectError(
            f"you edited {', '.join(edited)}, and wiring would replace them: nothing was changed. "
            "Commit them, then run it again with REPLACE=yes"
        )
    # Before the first commit there is nothing that a person could commit an edit to.
    if not edited or not run(root, "git", "rev-list", "--all", "--max-count=1"):
        return
    status = run(root, "git", "status", "--porcelain", "-z", "--", *edited)
    # Each entry is two letters, a space and the path.
    uncommitted = [entry[3:] for entry in status.split("\0") if entry]
    if uncommitted:
        raise ProjectError(f"commit {', '.join(uncommitted)} first: git keeps what is replaced")


def _is_edited(root: Path, name: str) -> bool:
    """Return whether a file differs from what wiring, or else the template, wrote."""
    text = present(root / name)
    if text is None:
        return False
    record = root / RECORD
    written = json.loads(record.read_text(encoding="utf-8"))["files"] if record.exists() else {}
    original = written.get(name) or _first_checksum(root, name)
    return checksum(text) != original


def _first_checksum(root: Path, name: str) -> str:
    """Return the checksum of a file as it was first committed; empty if it never was."""
    # On all branches, since a file may have come from another one.
    log = ["git", "log", "--all", "--diff-filter=A", "--format=%H", "--", name]
    commits = run(root, *log).split()
    if not commits:
        return ""
    # The last line of the log is the oldest commit.
    show = ["git", "cat-file", "blob", f"{commits[-1]}:./{name}"]
    done = subprocess.run(show, cwd=root, stdout=subprocess.PIPE, check=True)
    return checksum(done.stdout)


def present(path: Path) -> bytes | None:
    """Return what a file holds; None if there is none."""
    return path.read_bytes() if path.is_file() else None


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a text, whatever its line ends."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


@contextmanager
def all_or_nothing(root: Path, names: list[str]) -> Iterator[None]:
    """Put the files back as they were, or remove those that were not there, if anything fails.

    Args:
        root: The project's folder.
        names: The files that may change within, by their path from the root.
    """
    before = {name: present(root / name) for name in names}
    try:
        yield
    except BaseException:  # Ctrl-C too
        for name, content in before.items():
            if content is None:
                (root / name).unlink(missing_ok=True)
            else:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(content)
        raise
