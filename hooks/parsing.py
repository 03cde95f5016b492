"""Whether a merged file can still be read: both sides may have added what may be there once."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable, Hashable
from pathlib import PurePosixPath
from typing import Any

import yaml
from steps import locate


def problem(name: str, content: bytes) -> str:
    """Say why nobody can read a file.

    Args:
        name: Its path, which says what it is.
        content: What is in it.

    Returns:
        One line; empty if it can be read, or if nothing here reads such files.
    """
    path = PurePosixPath(name)
    read = READERS.get(path.suffix) or READERS.get(path.name)
    if read is None:
        return ""
    try:
        read(content.decode("utf-8"))
    except (ValueError, SyntaxError, yaml.YAMLError) as error:
        return " ".join(str(error).split())
    return ""


class UniqueKeys(yaml.SafeLoader):
    """Reads YAML, and refuses a key that is there twice, of which YAML's own readers take one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Read a mapping.

        Args:
            node: The mapping.
            deep: Whether what is in it is read at once.

        Raises:
            ValueError: A key is there twice.
        """
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise ValueError(f"line {line}: the key {key.value} is there twice")
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> None:
    """Read YAML whose keys are unique."""
    yaml.load(text, UniqueKeys)  # noqa: S506 - it is a SafeLoader


def read_toml(text: str) -> None:
    """Read TOML."""
    # Imported here: Copier may run on Python 3.10, which has none, and then the guard says so.
    import tomllib

    tomllib.loads(text)


def read_makefile(text: str) -> None:
    """Let make read a Makefile, as it does before each command, and run no recipe.

    Args:
        text: The Makefile.

    Raises:
        ValueError: make cannot read it.
    """
    command = ["make", "--file=-", "--question", "--dry-run", "help"]
    done = subprocess.run(
        locate(command), input=text, capture_output=True, encoding="utf-8", check=False
    )
    # 1 says that there is something to do.
    if done.returncode not in (0, 1):
        raise ValueError(done.stderr.strip())


READERS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".py": ast.parse,
    ".toml": read_toml,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    "Makefile": read_makefile,
}
"""What reads a file, by the end of its name or by the whole of it."""
