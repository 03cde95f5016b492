"""Refuses notebooks that log runs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from ..errors import ProjectError

TEXT = re.compile(r"""('{3}|"{3})[\s\S]*?\1|'(\\.|[^'\\\n])*'|"(\\.|[^"\\\n])*"|#.*""")
PACKAGE = re.escape(__package__.rpartition(".")[0])
"""The machinery's package, as a pattern for the name that a notebook imports it by."""

CALLS = re.compile(
    r"(?<![\w.])(mlflow|wandb)\b"
    rf"|\b{PACKAGE}\.tracking\b"
    rf"|\bfrom\s+{PACKAGE}\s+import\s*(\([^)]*|.*)\btracking\b"
)
BY_NAME = re.compile(rf"(import_module|__import__)\(\s*['\"](mlflow|wandb|{PACKAGE}\.tracking)\b")
REASON = (
    "a run must be repeatable from a commit, and a notebook's cells run in any order: move the "
    "code into src/ and let `make pipeline` log the run"
)


console = Console()


def notebooks() -> None:
    """Refuse notebooks that log runs."""
    console.print(f"{check_notebooks(Path.cwd())} notebooks log no run")


def check_notebooks(root: Path) -> int:
    """How many notebooks were read; ProjectError names each cell and line that tracks."""
    paths = sorted(root.glob("notebooks/**/*.ipynb"))
    paths = [path for path in paths if path.parent.name != ".ipynb_checkpoints"]
    if found := [
        f"{path.relative_to(root).as_posix()}, cell {cell}, line {line}: {code}"
        for path in paths
        for cell, line, code in _calls(path)
    ]:
        raise ProjectError("\n  ".join([f"{REASON}:", *found]))
    return len(paths)


def _calls(path: Path) -> Iterator[tuple[int, int, str]]:
    """The number of the cell, the line in it, and that line."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        raise ProjectError(f"{path} is no notebook of format 4: save it anew") from None
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            code = TEXT.sub(lambda text: "\n" * text[0].count("\n"), source)
            calls = [*CALLS.finditer(code), *BY_NAME.finditer(source)]
            for line in sorted({call.string.count("\n", 0, call.end()) for call in calls}):
                yield number, line + 1, source.splitlines()[line].strip()


COMMANDS = (notebooks,)
