"""Who becomes champion; here: what changed since the pipeline ran, and since all was verified."""

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from .. import team
from ..errors import ProjectError
from ..git import tree_hash

POINTER = "models/champion.dvc"
"""DVC's pointer to the champion's files, which git keeps."""


@cache
def ask_dvc(root: Path) -> Popen[str]:
    """Start to ask DVC, which takes a second or two.

    Args:
        root: The project.

    Returns:
        The process that will print the answer; the same one until `changes_since_pipeline` took it.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    return Popen(command, cwd=root, text=True, stdout=PIPE, stderr=PIPE)


def changes_since_pipeline(root: Path) -> list[str]:
    """Wait for DVC's answer, and ask first if nobody did.

    Args:
        root: The project.

    Returns:
        What changed, as `stage: file is modified`; empty if nothing did.

    Raises:
        ProjectError: DVC cannot tell, as where its configuration is broken.
    """
    process = ask_dvc(root)
    # An answer is of its moment: who asks again gets a new one.
    ask_dvc.cache_clear()
    # Read while DVC works.
    edited = _edited_files(root)
    printed, problem = process.communicate()
    if process.returncode:
        raise ProjectError(f"dvc cannot tell what changed: {problem.strip()}")
    found: dict[str, list[Any]] = json.loads(printed or "{}")
    # The champion's files are no evidence of the candidate, and a clone need not have them.
    found.pop(POINTER, None)
    files: list[str] = []
    commands: list[str] = []
    for stage, changes in found.items():
        for change in changes:
            if isinstance(change, dict):
                files.extend(_files(stage, change, edited))
            # Stage `code` always runs, since DVC cannot parse code: `_edited_files` did.
            elif change != "always changed":
                # Of some stages DVC says that they changed, but names no file: their command did.
                commands.append(f"{stage} changed")
    return [f"code: {name} is modified" for name in edited or []] + files or commands


def _edited_files(root: Path) -> list[str] | None:
    """The files of the package that may behave otherwise; None where nothing was recorded."""
    path = root / team.FINGERPRINTS
    try:
        recorded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return team.edited_files(recorded)
    # DVC says that the file is missing, or was edited.
    except (OSError, ValueError, AttributeError):
        return None


def is_verified(root: Path) -> bool:
    """Return whether `make verify` passed with exactly the files that are here.

    Args:
        root: The project.
    """
    path = root / "reports" / "verification.json"
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    tree = tree_hash(root)
    return report.get("passed") is True and tree != "" and report.get("tree") == tree


def _files(stage: str, change: dict[str, Any], edited: list[str] | None) -> Iterator[str]:
    """The files of one change, as in {"changed deps": {"params.yaml": "modified"}}."""
    for files in change.values():
        for name, state in files.items():
            if not _is_layout(name, edited):
                yield f"{stage}: {name} is {state}"


def _is_layout(name: str, edited: list[str] | None) -> bool:
    """Whether only comments, docstrings or layout of a module of the package changed."""
    if edited is None:
        return False
    _, is_of_package, inside = name.partition(f"src/{team.PACKAGE.name}/")
    return bool(is_of_package) and inside.endswith(".py") and inside not in edited
