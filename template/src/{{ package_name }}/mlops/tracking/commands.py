"""The commands of tracking: refuse notebooks that log runs, free the disk of what nothing needs."""

import ast
import json
import re
import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..config import Config, load_config
from ..errors import ProjectError
from . import registry, runs
from .runs import files

LIBRARIES = ("mlflow", "wandb")

TRACKING = __package__
"""The machinery's own tracking, by the name that a notebook imports it by."""

IMPORTERS = ("import_module", "__import__")

WORDS = re.compile(rf"(?<![\w.])({'|'.join(LIBRARIES)})\b|\b{re.escape(TRACKING)}\b")
"""What a line names that is not Python, such as `!mlflow ui`."""

REASON = (
    "a run must be repeatable from a commit, and a notebook's cells run in any order: move the "
    "code into src/ and let `make pipeline` log the run"
)

console = Console()


def notebooks() -> None:
    """Refuse notebooks that log runs."""
    console.print(f"{check_notebooks(Path.cwd())} notebooks log no run")


def check_notebooks(root: Path) -> int:
    """Read every notebook of a project, and refuse those that log runs.

    Args:
        root: The project.

    Returns:
        How many notebooks were read.

    Raises:
        ProjectError: Names each cell and line that tracks.
    """
    n_read = 0
    found = []
    for path in sorted(root.glob("notebooks/**/*.ipynb")):
        # Jupyter's copies, which git ignores.
        if path.parent.name == ".ipynb_checkpoints":
            continue
        n_read += 1
        name = path.relative_to(root).as_posix()
        for cell, line, code in _tracking_code(path):
            found.append(f"{name}, cell {cell}, line {line}: {code}")
    if found:
        listed = "\n  ".join(found)
        raise ProjectError(f"{REASON}:\n  {listed}")
    return n_read


def _tracking_code(path: Path) -> Iterator[tuple[int, int, str]]:
    """The number of the cell, the line in it, and that line, counted from 1."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        raise ProjectError(f"{path} is not a notebook of format 4: save it again") from None
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] != "code":
            continue
        lines = "".join(cell["source"]).splitlines()
        for line in sorted(_tracking_lines(lines)):
            yield number, line, lines[line - 1].strip()


def _tracking_lines(lines: list[str]) -> set[int]:
    """The numbers of the lines of a cell that track."""
    found: set[int] = set()
    python = list(lines)
    while True:
        try:
            tree = _parse("\n".join(python))
        except SyntaxError as error:
            # IPython's magic is not Python: search the line as text, and parse the others.
            number = error.lineno or 0
            is_new = 0 < number <= len(python) and python[number - 1] == lines[number - 1]
            if not is_new:
                return found | _matching_lines(lines)
            if WORDS.search(_code(lines[number - 1])):
                found.add(number)
            python[number - 1] = _indented_pass(lines[number - 1])
        else:
            break
    for node in ast.walk(tree):
        for number, module in _modules(node):
            if _tracks(module):
                found.add(number)
    return found


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        # About escapes in strings, say: the author sees them in the notebook.
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _modules(node: ast.AST) -> Iterator[tuple[int, str]]:
    """What may be the dotted name of a module, with its line."""
    match node:
        case ast.Name():
            yield node.lineno, node.id
        case ast.Attribute():
            yield node.lineno, ast.unparse(node)
        case ast.Import():
            for alias in node.names:
                yield alias.lineno, alias.name
        case ast.ImportFrom(module=str(module)):
            for alias in node.names:
                yield alias.lineno, f"{module}.{alias.name}"
        case ast.Call(args=[ast.Constant(value=str(module)), *_]):
            # importlib.import_module("mlflow") hides the name in a string.
            function = ast.unparse(node.func).rpartition(".")[2]
            if function in IMPORTERS:
                yield node.lineno, module


def _tracks(module: str) -> bool:
    library = module.partition(".")[0]
    return library in LIBRARIES or f"{module}.".startswith(f"{TRACKING}.")


def _matching_lines(lines: list[str]) -> set[int]:
    """The lines that name a library, where a cell cannot be parsed at all."""
    return {number for number, line in enumerate(lines, 1) if WORDS.search(_code(line))}


def _code(line: str) -> str:
    """The line without its comment."""
    return line.partition("#")[0]


def _indented_pass(line: str) -> str:
    """A statement in place of the line that keeps the block around it."""
    indentation = line[: len(line) - len(line.lstrip())]
    return f"{indentation}pass"


def gc(delete: Annotated[bool, typer.Option("--yes", help="Delete them.")] = False) -> None:
    """Report which files no alias and no recent run needs, or delete them."""
    root = Path.cwd()
    summary = collect_garbage(load_config(root), root, delete)
    console.print(summary, highlight=False)


def collect_garbage(config: Config, root: Path, really: bool) -> str:
    """Find the runs whose files nothing needs, and free those files.

    Needed are the files of every version with an alias, and of the newest runs. What was logged
    about a run, and its versions, stay.

    Args:
        config: How many of the newest runs keep their files, in tracking.keep_runs.
        root: The project.
        really: Whether to free the files; otherwise they are only counted.

    Returns:
        How many runs' files were or would be freed, and how many megabytes.

    Raises:
        ProjectError: A tracking server has the files.
    """
    sizes = prunable(root, _needed_files(config, root))
    if really:
        # Before anything is deleted, so that no version claims to have files that are gone.
        _tag_versions(root, sizes)
        for run in sizes:
            shutil.rmtree(files(root) / run)
    did = "freed" if really else "`make gc YES=1` would free"
    plural = "" if len(sizes) == 1 else "s"
    megabytes = sum(sizes.values()) / 1e6
    return f"{did} the files of {len(sizes)} run{plural}: {megabytes:.1f} MB"


def prunable(root: Path, needed: set[str]) -> dict[str, int]:
    """Measure the files of runs that are not needed.

    Args:
        root: The project.
        needed: The ids of the runs to leave out.

    Returns:
        The bytes of each other run's files, by its id.

    Raises:
        ProjectError: A tracking server has the files.
    """
    sizes = {}
    # Each run's files are in a folder that is named by its id.
    for folder in files(root).glob("*"):
        if not folder.is_dir() or folder.name in needed:
            continue
        paths = [path for path in folder.rglob("*") if path.is_file()]
        sizes[folder.name] = sum(path.stat().st_size for path in paths)
    return sizes


def _needed_files(config: Config, root: Path) -> set[str]:
    """The ids of the runs whose files must stay."""
    recent = runs.recent(root, config.tracking.keep_runs)
    needed = {run.id for run in recent}
    for model, numbers in registry.aliases(root).items():
        for version in registry.versions(root, model):
            if version.number in numbers.values():
                needed.add(version.run)
    return needed


def _tag_versions(root: Path, pruned: dict[str, int]) -> None:
    """Tag these runs' versions: registering the same model then stores it again."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for model in registry.aliases(root):
        for version in registry.versions(root, model):
            if version.run in pruned:
                registry.tag(root, model, version.number, "pruned", today)


COMMANDS = (notebooks, gc)
