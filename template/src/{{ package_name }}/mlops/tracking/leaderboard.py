"""The leaderboard: the newest runs of the pipeline, the best first."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import Config, load_config
from ..errors import ProjectError
from ..git import git
from . import Logged, has_registry, registry
from .runs import recent, tag

NEWEST = 20
"""Runs on the leaderboard, unless all are asked for."""

MOST = 1_000
"""So many runs are all: MLflow gives no more at once."""

COMMIT = "mlflow.source.git.commit"
"""The tag with the commit of what a run read."""

READ = ("src", "params.yaml", "dvc.yaml", "uv.lock", "data")
"""What the pipeline reads: a commit that has the same files is the commit of a run."""

MAX_COMMITS = 200
"""Of all branches, the newest: in these the commit of a run is looked for."""

console = Console(width=None if sys.stdout.isatty() else 200)
"""In a file a line is as long as it has to be."""


def runs(
    every: Annotated[bool, typer.Option("--all", help="All runs, not the newest alone.")] = False,
) -> None:
    """Show the newest runs of the pipeline, the best first."""
    root = Path.cwd()
    config = load_config(root)
    found = []
    # To ask a store that is not there would make it.
    if has_registry(root):
        found = recent(root, MOST if every else NEWEST, f"{config.model.name}/pipeline")
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
    # To the second, as git reads it.
    oldest = min(run.started[:19] for run in waiting)
    of_files = {}
    query = ("--all", "--format=%H", f"--since={oldest}Z", f"--max-count={MAX_COMMITS}")
    # The newest commit comes first: of several with the same files the oldest is kept.
    for commit in git(root, "log", *query).split():
        of_files[_files_read(root, commit)] = commit
    for run in waiting:
        files = _files_read(root, run.tags["git_tree"])
        if files and files in of_files:
            commits[run.id] = of_files[files]
            tag(root, run.id, COMMIT, of_files[files])
    return commits


def _files_read(root: Path, tree: str) -> str:
    """Git's list of what the pipeline reads, with the hash of each file; empty without the tree."""
    try:
        return git(root, "ls-tree", "-r", tree, "--", *READ)
    except ProjectError:
        # Nothing refers to the tree of a run, so git deletes it after some weeks.
        return ""


COMMANDS = (runs,)
