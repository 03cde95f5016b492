"""DVC's word on what changed since the pipeline ran."""

import json
import sys
from functools import cache
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from ..errors import ProjectError


@cache
def ask(root: Path) -> Popen[str]:
    """Begin to ask, which pays: the answer takes a second or two."""
    dvc = [sys.executable, "-m", "dvc", "status", "--json"]
    return Popen(dvc, cwd=root, text=True, stdout=PIPE, stderr=PIPE)


def answer(root: Path) -> list[str]:
    """What changed, as `stage: file`; ProjectError if DVC cannot tell."""
    asked = ask(root)
    ask.cache_clear()  # an answer is of its moment
    told, trouble = asked.communicate()
    if asked.returncode:
        raise ProjectError(f"dvc cannot tell what changed: {trouble.strip()}")
    found: dict[str, list[Any]] = json.loads(told or "{}")
    return [
        f"{stage}: {name} is {what}"
        for stage, changes in found.items()
        for change in changes
        if isinstance(change, dict)
        for files in change.values()
        if isinstance(files, dict)
        for name, what in files.items()
    ] or [f"{stage} changed" for stage in found]
