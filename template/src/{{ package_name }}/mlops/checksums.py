"""Checksums of files, and JSON with a checksum of its own.

The latter is for evidence that DVC does not hold, since each measurement differs.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from .errors import ProjectError


def file_hash(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes with every write of a file, also of one that keeps its old time.

    None if there is no such file. It costs no reading, and is no proof as a hash is.
    """
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_size


def write_with_checksum(path: Path, facts: dict[str, Any]) -> None:
    """Write `facts` as JSON, with the checksum of their canonical form beside them.

    Args:
        path: The file to write; its folder is made.
        facts: What can be written as JSON.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = facts | {"checksum": _checksum(facts)}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_with_checksum(path: Path) -> dict[str, Any]:
    """Read what `write_with_checksum` wrote.

    Args:
        path: The file to read.

    Returns:
        The facts, without their checksum.

    Raises:
        ProjectError: The file is not there, is not JSON, or was changed after it was written.
    """
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        recorded = facts.pop("checksum", None)
    except FileNotFoundError:
        raise ProjectError(f"{path.name} is not there: `make profile` measures it") from None
    # A list has a `pop` too, but it takes no name: a TypeError.
    except (ValueError, TypeError) as error:
        raise ProjectError(f"{path.name} cannot be read: {error}") from None
    if recorded != _checksum(facts):
        raise ProjectError(f"{path.name} was edited: `make profile` measures it again")
    return facts


def _checksum(facts: dict[str, Any]) -> str:
    """The sha256 of the facts, whatever the order of their keys and the layout of the file."""
    canonical = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
