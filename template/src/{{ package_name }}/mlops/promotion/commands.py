"""The commands that change which model is champion."""

import gc
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

GC_THRESHOLD = 100_000
"""New objects between two collections of garbage; at Python's own a sixth of the time goes by."""

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
    gc.set_threshold(GC_THRESHOLD)
    with console.status("judging the candidate", spinner="line"):
        # DVC answers in a process of its own, while this one imports the store's libraries.
        staleness.ask(root)
        from .promote import promote as run

        outcome = run(config, root, why, _print_verdict, uncompared=uncompared)
    console.print(f"\n{escape(outcome.summary)}", highlight=False, soft_wrap=True)
    raise typer.Exit(not outcome.promoted)


def _print_verdict(name: str, verdict: Verdict) -> None:
    color = COLORS[verdict.status]
    status = f"[{color}]{verdict.status:<12}[/]"
    line = f"{status} {name:<12} {escape(verdict.reason)}"
    console.print(line, highlight=False, soft_wrap=True)


def rollback(why: Why = "") -> None:
    """Make the previous champion the champion again."""
    # Imported here, since the store's libraries take a second.
    from .promote import rollback as run

    root = Path.cwd()
    summary = run(load_config(root), root, why)
    console.print(summary, highlight=False)


COMMANDS = (promote, rollback)
