"""Checksums of files, fingerprints of code, and JSON with a checksum of its own.

The latter is for evidence that DVC does not hold, since each measurement differs.
"""

import ast
import hashlib
import json
import re
import warnings
from collections.abc import Iterable
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


READS_DOCSTRINGS = re.compile(rb"_{2}doc_{2}|get_?[d]oc")
"""Where code reads docstrings, what they say is behavior. The pattern does not match itself."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def fingerprints(files: Iterable[Path], folder: Path) -> dict[str, str]:
    """Return what tells whether files of code may behave otherwise than before.

    Python counts by its syntax tree: comments, layout and docstrings make no difference, unless a
    module among the files reads docstrings. Any other file counts by its bytes.

    Args:
        files: The files.
        folder: The folder above all of them.

    Returns:
        The fingerprint of each file, by its path from the folder, the same on every Python.

    Raises:
        ProjectError: A module cannot be parsed.
    """
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    keeps_docstrings = any(READS_DOCSTRINGS.search(content) for content in contents.values())
    found = {}
    for name, content in contents.items():
        digest = hashlib.sha256()
        if name.endswith(".py"):
            tree = _parse(content, name)
            if not keeps_docstrings:
                _drop_docstrings(tree)
            parts: list[str] = []
            _collect(tree, parts)
            digest.update("\n".join(parts).encode())
        else:
            digest.update(content)
        found[name] = digest.hexdigest()
    return found


def _parse(content: bytes, name: str) -> ast.Module:
    """The syntax tree of a module."""
    try:
        with warnings.catch_warnings():
            # What the compiler warns of is for the linter to say.
            warnings.simplefilter("ignore")
            return ast.parse(content, name)
    except SyntaxError as error:
        raise ProjectError(f"{name}, line {error.lineno}: {error.msg}: correct it") from None
    except ValueError as error:  # a zero byte, before Python 3.12
        raise ProjectError(f"{name}: {error}: correct it") from None


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, Documented) and node.body and _is_text(node.body[0]):
            del node.body[0]


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a string."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return False
    return isinstance(statement.value.value, str)


def _collect(value: Any, parts: list[str]) -> None:
    """Append the pieces of a syntax tree, without positions.

    `ast.dump` would not do: its text of one and the same code differs between versions of Python.
    """
    if isinstance(value, ast.AST):
        parts.append(f"({type(value).__name__}")
        for name in value._fields:
            child = getattr(value, name, None)
            # A later Python has more fields, which are empty for the syntax of an earlier one. And
            # the kind of a string is whether it begins with a u, which formatters take away.
            is_empty = child is None or child == []
            if name == "value" or not (is_empty or name == "kind"):
                parts.append(name)
                _collect(child, parts)
        parts.append(")")
    elif isinstance(value, list):
        parts.append("[")
        for child in value:
            _collect(child, parts)
        parts.append("]")
    else:
        parts.append(repr(value))


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
