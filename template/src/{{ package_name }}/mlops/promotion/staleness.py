"""What changed since the pipeline ran, as DVC finds it, and since all was verified."""

import json
import sys
from functools import cache
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from ..errors import ProjectError
from ..git import tree_hash

POINTER = "models/champion.dvc"
"""DVC's pointer to the champion's files, which git keeps."""


@cache
def ask(root: Path) -> Popen[str]:
    """Start to ask DVC, which takes a second or two.

    Args:
        root: The project.

    Returns:
        The process that will print the answer; the same one until `answer` took it.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    return Popen(command, cwd=root, text=True, stdout=PIPE, stderr=PIPE)


def answer(root: Path) -> list[str]:
    """Wait for DVC's answer, and ask first if nobody did.

    Args:
        root: The project.

    Returns:
        What changed, as `stage: file is modified`; empty if nothing did.

    Raises:
        ProjectError: DVC cannot tell, as where its configuration is broken.
    """
    process = ask(root)
    # An answer is of its moment: who asks again gets a new one.
    ask.cache_clear()
    printed, problem = process.communicate()
    if process.returncode:
        raise ProjectError(f"dvc cannot tell what changed: {problem.strip()}")
    found: dict[str, list[Any]] = json.loads(printed or "{}")
    # The champion's files are no evidence of the candidate, and a clone need not have them.
    found.pop(POINTER, None)
    changed = []
    for stage, changes in found.items():
        for change in changes:
            changed.extend(_files(stage, change))
    # Of some stages DVC says that they changed, but names no file: their command did.
    return changed or [f"{stage} changed" for stage in found]


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


def _files(stage: str, change: Any) -> list[str]:
    """The files of one change, as in {"changed deps": {"params.yaml": "modified"}}."""
    named: list[str] = []
    if not isinstance(change, dict):
        return named
    for files in change.values():
        if not isinstance(files, dict):
            continue
        for name, state in files.items():
            named.append(f"{stage}: {name} is {state}")
    return named
