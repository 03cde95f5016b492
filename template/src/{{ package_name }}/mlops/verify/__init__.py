"""The one way to verify a project, the commands that do it, and the check of every name."""

import subprocess
from collections.abc import Iterator
from os import environ
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from .. import notebooks, team
from ..config import load_config
from ..errors import ProjectError
from ..git import tree_hash
from ..names import RULES, problem

REPORT = Path("reports", "verification.json")
"""What the last `make verify` found; the next one reads it."""

console = Console()


def names(
    check: Annotated[bool, typer.Option("--check", help="Leave the table out.")] = False,
) -> None:
    """Print the naming table, then validate every name in the project against it."""
    if not check:
        table = Table("kind", "looks like", "example")
        for kind, rule in RULES.items():
            table.add_row(kind, rule.meaning, rule.example)
        console.print(table)
    console.print(f"{check_names(Path.cwd())} names follow the table", highlight=False)


def check(
    steps: Annotated[list[str] | None, typer.Argument(help="Only these steps.")] = None,
) -> None:
    """Run the quick steps: everything but data, pipeline and tests; no report is written."""
    from .runner import unchanged_since_verified
    from .runner import verify as run
    from .steps import checks, select

    root = Path.cwd()
    verified = unchanged_since_verified(root, root / REPORT)
    chosen = select(checks(root, verified), steps or [])
    chains = [[step] for step in chosen]
    passed = run(root, chains, console)
    raise typer.Exit(not passed)


def verify() -> None:
    """Run every step side by side and write reports/verification.json."""
    from .runner import unchanged_since_verified
    from .runner import verify as run
    from .steps import TESTS, checks, pipeline

    root = Path.cwd()
    # Before the files are listed: one that is saved meanwhile was not verified.
    tree = tree_hash(root)
    after_pipeline = []
    others = []
    for step in checks(root, unchanged_since_verified(root, root / REPORT)):
        if step.independent:
            after_pipeline.append(step)
        else:
            others.append([step])
    # The longest chains first, so that the cores are busy to the end.
    chains = [[TESTS], pipeline(root) + after_pipeline]
    chains += others
    passed = run(root, chains, console, root / REPORT, tree)
    raise typer.Exit(not passed)


def notebook_content(files: Annotated[list[str], typer.Argument()]) -> None:
    """Refuse notebooks of which git would keep output, a secret or a misspelled word.

    The files themselves may hold pictures, in which a search for secrets finds letters and digits.
    """
    from .steps import MAX_BYTES

    notebooks.check_content(Path.cwd(), files, MAX_BYTES)


def names_in(root: Path) -> Iterator[tuple[str, str]]:
    """Yield every name that the project uses.

    Args:
        root: The project's folder.

    Yields:
        The kind of thing, a key of `names.RULES`, and its name.
    """
    config = load_config(root)
    yield "dataset", config.data.name
    yield "model", config.model.name
    for schema in (team.raw_table(), team.feature_schema()):
        for name, column in schema.to_schema().columns.items():
            # The name of a family of columns is a pattern.
            if not column.regex:
                yield "column", name
    for feature in team.features():
        yield "feature", feature.name
    yield from _names_of_files(root)
    # In a pull request's workflow the branch is not checked out by its name.
    branch = environ.get("GITHUB_HEAD_REF") or _branch(root)
    if branch:
        yield "branch", branch


def check_names(root: Path) -> int:
    """Validate every name against the naming table.

    Args:
        root: The project's folder.

    Returns:
        How many names were checked.

    Raises:
        ProjectError: Lists every name that breaks its rule.
    """
    names = list(names_in(root))
    problems = []
    for kind, name in names:
        message = problem(kind, name)
        if message:
            problems.append(message)
    if problems:
        raise ProjectError("\n".join(problems))
    return len(names)


def _names_of_files(root: Path) -> Iterator[tuple[str, str]]:
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    for name in pipeline["stages"]:
        yield "stage", name
    for path in sorted((root / "data").glob("*/*")):
        # DVC's pointers have the name of their file.
        if path.is_file() and path.suffix != ".dvc" and not path.name.startswith("."):
            yield "data file", path.name
    for path in sorted(root.glob("notebooks/**/*.ipynb")):
        yield "notebook", path.name


def _branch(root: Path) -> str:
    """The branch that is checked out; empty on a detached head or outside a repository."""
    git = ["git", "-C", str(root), "symbolic-ref", "--quiet", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
