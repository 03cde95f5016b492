"""The one way to verify a project, and the commands that do it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console()


def names(
    check: Annotated[bool, typer.Option("--check", help="Leave the table out.")] = False,
) -> None:
    """Print the naming table, then validate every name in the project against it."""
    # Imported here, as in the other commands: every start of the command line counts.
    from ..names import RULES
    from .naming import check_names

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
    from .runner import verify as run
    from .steps import checks, select

    chosen = select(checks(Path.cwd()), steps or [])
    chains = [[step] for step in chosen]
    passed = run(Path.cwd(), chains, console)
    raise typer.Exit(not passed)


def verify() -> None:
    """Run every step side by side and write reports/verification.json."""
    from .runner import verify as run
    from .steps import TESTS, checks, pipeline

    root = Path.cwd()
    after_pipeline = []
    others = []
    for step in checks(root):
        if step.independent:
            after_pipeline.append(step)
        else:
            others.append([step])
    # The longest chains first, so that the cores are busy to the end.
    chains = [[TESTS], pipeline(root) + after_pipeline]
    chains += others
    passed = run(root, chains, console, root / "reports" / "verification.json")
    raise typer.Exit(not passed)


COMMANDS = (names, check, verify)
