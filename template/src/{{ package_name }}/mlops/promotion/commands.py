"""The commands that change which model is champion."""

import gc as garbage
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ..config import load_config
from ..errors import ProjectError
from ..gates import Verdict

console = Console()
COLORS = {"passed": "green", "refused": "red", "inconclusive": "yellow"}
Why = Annotated[str, typer.Option(help="The reason, for the record.")]


def promote(
    why: Why = "",
    uncompared: Annotated[
        bool, typer.Option("--uncompared", help="Replace a champion that cannot be scored here.")
    ] = False,
) -> None:
    """Let every gate judge the candidate; if none refuses, it becomes the champion."""
    from . import staleness

    root = Path.cwd()
    config = load_config(root)
    if uncompared and not why.strip():
        raise ProjectError("UNCOMPARED=yes needs a reason for the record: WHY=...")
    garbage.set_threshold(100_000)  # else a sixth of the time goes by on collecting
    with console.status("judging the candidate", spinner="line"):
        staleness.ask(root)  # the answer comes while the store's libraries are imported
        from .promote import promote as run

        outcome = run(config, root, why, _print_verdict, uncompared=uncompared)
    console.print(f"\n{escape(outcome.summary)}", highlight=False, soft_wrap=True)
    raise typer.Exit(not outcome.promoted)


def _print_verdict(name: str, verdict: Verdict) -> None:
    status = f"[{COLORS[verdict.status]}]{verdict.status:<12}[/]"
    line = f"{status} {name:<12} {escape(verdict.reason)}"
    console.print(line, highlight=False, soft_wrap=True)


def rollback(why: Why = "") -> None:
    """Make the previous champion the champion again."""
    from .promote import rollback as run

    console.print(run(load_config(Path.cwd()), Path.cwd(), why), highlight=False)


COMMANDS = (promote, rollback)
