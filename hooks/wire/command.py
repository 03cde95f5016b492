"""The command `wire`: from a data file and the name of a column to files that fit them."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import load_config
from ..errors import ProjectError

# A pipe has no width: rows of the table stay whole there.
console = Console(width=None if sys.stdout.isatty() else 160)
Names = Annotated[str, typer.Option(help="Columns, separated by commas; `none` for no column.")]


def wire(
    data: Annotated[Path, typer.Argument(help="A file, or a folder of files of one shape.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    ids: Names = "",
    segments: Names = "",
    sensitive: Names = "",
    time: Annotated[str, typer.Option(help="The column by which rows are held out.")] = "",
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    replace: Annotated[bool, typer.Option("--replace", help="Replace what you edited.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Nobody edited anything yet.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Keep the data as a plain CSV.")] = False,
) -> None:
    """Write schemas, features, settings, tests and the data card for your own data.

    What is not given is inferred, and said.
    """
    from .facts import learn
    from .project import wire_project
    from .roles import Wishes

    if data == Path() or not target:
        raise ProjectError("say what to wire: make wire DATA=customers.csv TARGET=churned")
    if task not in ("auto", "classification", "regression"):
        raise ProjectError(f"there is no task {task!r}: auto, classification or regression")
    lists = [
        [part.strip() for part in text.split(",") if part.strip()]
        for text in (ids, segments, sensitive)
    ]
    root, config = Path.cwd(), load_config(Path.cwd())
    try:
        with console.status("reading the data", spinner="line") as status:
            facts = learn(data.expanduser(), Wishes(target, task, time, *lists))
            facts = facts.as_plain() if plain else facts
            status.update("looking at each column")
            warnings = [*facts.warnings()]
            status.update("writing the files")
            changed = wire_project(facts, config, root, replace=replace, fresh=fresh)
    except OSError as error:
        raise ProjectError(f"nothing was changed: {error}") from None
    except KeyboardInterrupt:
        raise ProjectError("stopped: nothing was changed") from None
    table = Table("column", "holds", "role", "because", box=None, padding=(0, 2, 0, 0))
    for column in facts.columns:
        name, role = column.name, facts.roles.of(column.name)
        table.add_row(name, column.kind, role, escape(facts.roles.why[name]))
    for setting, value in facts.settings().items():
        table.add_row(f"[bold]{setting}", "", escape(value), "")
    console.print(table)
    for warning in warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)
    if changed:
        console.print(f"\n{len(changed)} files written: {', '.join(changed)}", soft_wrap=True)
        if not fresh:
            console.print("Next: read docs/data-card.md and params.yaml, then `make verify`.")
    else:
        console.print("\nEverything is wired so already: nothing was changed.")
