"""How densely the Python files under folders are written, and how often a comment says why.

Usage: python tools/density.py FOLDER... prints one line a folder. Figures are per 1,000 lines that
are not blank. Compact constructs are comprehensions, conditional expressions, `:=`, stars in calls
and displays, lambdas, and a tuple assigned to a tuple: each packs several steps into one line.
"""

from __future__ import annotations

import ast
import statistics
import sys
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

COMPACT = (
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.IfExp,
    ast.NamedExpr,
    ast.Starred,
    ast.Lambda,
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LEFT_OUT = {".venv", ".git", "tests", "test"}


@dataclass(frozen=True)
class Density:
    """What was counted."""

    lines: int
    """Lines that are not blank."""
    compact: float
    """Compact constructs per 1,000 of these lines."""
    comments: float
    """Comments per 1,000 of these lines."""
    function_lines: float
    """The length of the median function."""


def python_files(folder: Path) -> list[Path]:
    """Return the Python files under a folder, without tests and environments."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        if not LEFT_OUT.intersection(path.relative_to(folder).parts):
            found.append(path)
    return found


def measure(paths: Iterable[Path]) -> Density:
    """Count the constructs, comments and lines of some files together."""
    lines = compact = comments = 0
    lengths = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            lines += bool(line.strip())
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                comments += token.type == tokenize.COMMENT
        for node in ast.walk(ast.parse(text)):
            compact += is_compact(node)
            if isinstance(node, FUNCTIONS):
                lengths.append(length(node))
    thousands = max(lines, 1) / 1000
    median = statistics.median(lengths) if lengths else 0
    return Density(lines, compact / thousands, comments / thousands, median)


def is_compact(node: ast.AST) -> bool:
    """Whether a node of the syntax tree packs several steps into one."""
    if isinstance(node, COMPACT):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
        return any(isinstance(target, ast.Tuple) for target in node.targets)
    # A key that is None stands for `**other` in a dictionary.
    return isinstance(node, ast.Dict) and None in node.keys


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines that a function takes, without its decorators."""
    last = function.end_lineno or function.lineno
    return last - function.lineno + 1


def longest_functions(paths: Iterable[Path], most: int) -> dict[str, int]:
    """Return the length of each function that is longer than `most` lines, by file and name."""
    found = {}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, FUNCTIONS) and length(node) > most:
                found[f"{path.name}: {node.name}"] = length(node)
    return found


def main(folders: list[str]) -> None:
    """Print the figures of each folder."""
    for folder in folders:
        found = measure(python_files(Path(folder)))
        print(
            f"{folder}: {found.lines} lines, {found.compact:.0f} compact constructs and "
            f"{found.comments:.0f} comments per 1,000, median function {found.function_lines:g}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
