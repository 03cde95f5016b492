"""The commands of tracking: rank the runs, refuse notebooks that log any, free the disk."""

import ast
import json
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import Config, load_config
from ..errors import ProjectError
from ..git import commits_of
from . import Logged, any_tagged, has_registry, registry
from .runs import COMMIT, recent, server, tag

NEWEST = 20
"""Runs on the leaderboard, unless all are asked for."""

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

DELETE = "MLFLOW_TRACKING_URI=sqlite:///models/mlflow.db uv run mlflow runs delete --run-id"

console = Console(width=None if sys.stdout.isatty() else 200)
"""In a file a line is as long as it has to be."""


def notebooks() -> None:
    """Refuse notebooks that log runs, and runs that one has logged."""
    root = Path.cwd()
    n_read = check_notebooks(root)
    check_recorded(root)
    console.print(f"{n_read} notebooks log no run")


def check_recorded(root: Path) -> None:
    """Refuse runs that MLflow recorded from a notebook: its code may have changed since.

    On a server there are the runs of others too, who would stop everybody's commit.

    Args:
        root: The project.

    Raises:
        ProjectError: Names each run, and how to delete it.
    """
    if server() or not has_registry(root) or not any_tagged(root, "mlflow.source.type", "NOTEBOOK"):
        return
    lines = [f"{REASON}. Delete the runs that MLflow has of one:"]
    for run in recent(root, None, query="tags.`mlflow.source.type` = 'NOTEBOOK'"):
        source = run.tags.get("mlflow.source.name", "a notebook")
        lines.append(f"{run.name} in {run.experiment}, from {source}: {DELETE} {run.id}")
    if len(lines) > 1:
        raise ProjectError("\n  ".join(lines))


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
    summary = registry.collect_garbage(load_config(root), root, delete)
    console.print(summary, highlight=False)


def runs(
    every: Annotated[bool, typer.Option("--all", help="All runs, not the newest alone.")] = False,
) -> None:
    """Show the newest runs of the pipeline, the best first."""
    root = Path.cwd()
    config = load_config(root)
    found = []
    # To ask a store that is not there would make it.
    if has_registry(root):
        found = recent(root, None if every else NEWEST, f"{config.model.name}/pipeline")
    if not found:
        raise ProjectError("no run was logged yet: `make pipeline` logs one")
    console.print(leaderboard(config, root, found))
    if _on_other_rows(found):
        note = (
            "* on another test set than the newest run: such scores are not comparable, and "
            "`make compare` puts two models on the same rows"
        )
        console.print(note, highlight=False)


def leaderboard(config: Config, root: Path, found: list[Logged]) -> Table:
    """Make the table of runs, sorted by score.

    Args:
        config: Names the model, and the metric that sorts.
        root: The project.
        found: The runs, newest first.

    Returns:
        A row a run. One that was scored by another metric comes last, without a score.

    Raises:
        ProjectError: The store or git does not answer.
    """
    metric = config.selection.metric
    champion = registry.by_alias(root, config.model.name, "champion")
    of_champion = champion.tags.get("sha256") if champion else None
    commits = find_commits(root, found)
    others = _on_other_rows(found)

    table = Table(box=None)
    # Folded where a terminal is narrow, not cut: a name is there to be copied.
    for header in ("run", "branch", "who", "commit"):
        table.add_column(header, overflow="fold")
    table.add_column(metric, no_wrap=True)
    table.add_column("model", overflow="fold")
    table.add_column("train", justify="right", no_wrap=True)
    table.add_column("")
    # The minus sorts the highest score first, and runs without one last.
    for run in sorted(found, key=lambda run: -run.metrics.get(metric, float("-inf"))):
        seconds = run.metrics.get("train.seconds")
        cells = (
            run.name,
            run.tags.get("mlflow.source.git.branch", ""),
            run.tags.get("mlflow.user", ""),
            commits.get(run.id, "")[:7],
            _score(metric, run) + ("*" if run.id in others else ""),
            run.tags.get("chosen", ""),
            "" if seconds is None else f"{seconds:.1f} s",
            "champion" if of_champion and run.tags.get("sha256") == of_champion else "",
        )
        # A name may hold what Rich takes for a style.
        table.add_row(*map(escape, cells))
    return table


def _score(metric: str, run: Logged) -> str:
    """The score with its interval; empty if another metric was measured."""
    if metric not in run.metrics:
        return ""
    score = run.metrics[metric]
    low = run.metrics.get(f"{metric}_low", float("nan"))
    high = run.metrics.get(f"{metric}_high", float("nan"))
    return f"{score:.3f} [{low:.3f}, {high:.3f}]"


def _on_other_rows(found: list[Logged]) -> set[str]:
    """The runs that were scored on another test set than the newest one."""
    newest = found[0].tags.get("dvc_test")
    return {run.id for run in found if run.tags.get("dvc_test") != newest}


def find_commits(root: Path, found: list[Logged]) -> dict[str, str]:
    """Find the commit of what each run read, and tag the run with it if it was made later.

    Args:
        root: The project.
        found: The runs.

    Returns:
        The commit by the id of the run; without those whose files were never committed.
    """
    commits = {}
    waiting = []
    for run in found:
        if COMMIT in run.tags:
            commits[run.id] = run.tags[COMMIT]
        elif run.tags.get("git_tree"):
            waiting.append(run)
    if not waiting:
        return commits
    of_trees = commits_of(root, {run.tags["git_tree"] for run in waiting})
    for run in waiting:
        commit = of_trees.get(run.tags["git_tree"])
        if commit:
            commits[run.id] = commit
            tag(root, run.id, COMMIT, commit)
    return commits
