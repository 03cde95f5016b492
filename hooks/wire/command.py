"""The command: from a data file and the name of a column to files that fit them."""

import signal
import sys
from collections.abc import Iterable
from configparser import ConfigParser
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from mlops.config import load_config
from mlops.errors import ProjectError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .facts import Facts, inspect_table
from .project import OF_EXAMPLE, wire_project
from .roles import TASKS, Overrides

# A pipe has no width: rows of the table stay whole there.
console = Console(width=None if sys.stdout.isatty() else 160)
# Windows has no SIGHUP.
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
OF_REMOTE = (
    "The data is in .dvc-storage, a folder of this clone alone. Until you choose a remote that "
    "colleagues and CI can reach, CI runs the pipeline on made-up rows. Write its address behind "
    "`url` in .dvc/config: a shared folder, s3://, gs://, azure:// or ssh://; then `uv run dvc "
    "push`."
)
"""What follows from the remote that a project is made with. CONTRIBUTING.md has the plug-ins."""

Names = Annotated[str, typer.Option(help="Columns, separated by commas; `none` for no column.")]


def main() -> None:
    """Run the command; a mistake that a person can fix is one message and exit status 1."""
    catch_signals()
    try:
        typer.run(wire)
    except ProjectError as error:
        sys.exit(f"error: {error}")


def catch_signals() -> None:
    """Let every signal that ends the process do what Ctrl-C does, so that files are put back."""
    for number in ENDING:
        # What is ignored stays so: nohup ignores SIGHUP on purpose.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt once.

    A signal may arrive twice, from the terminal and from `uv run`, which passes it on: the second
    one must not stop the files from being put back.
    """
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


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
) -> None:
    """Write schemas, features, settings, tests and the data card for your own data.

    What is not given is inferred, and reported.
    """
    if task not in TASKS:
        raise ProjectError(f"there is no task {task!r}: choose from {', '.join(TASKS)}")
    # `make` and the hook start it in the project's folder.
    root = Path.cwd()
    config = load_config(root)
    overrides = Overrides(
        target,
        task,
        time,
        split(ids),
        split(segments),
        split(sensitive),
        config.gates.leakage,
    )
    # What belongs to the table before.
    replaceable = [*OF_EXAMPLE, f"{config.data.raw.as_posix()}.dvc"]
    present = [name for name in replaceable if (root / name).exists()]
    try:
        with console.status("reading the data", spinner="line") as status:
            facts = inspect_table(data.expanduser(), overrides)
            status.update("looking at each column")
            warnings = list(facts.warnings())
            status.update("writing the files")
            changed = wire_project(facts, config, root, replace=replace, fresh=fresh)
    except OSError as error:  # a full disk, a file that is not ours to read
        raise ProjectError(f"nothing was changed: {error}") from None
    except KeyboardInterrupt:
        raise ProjectError("stopped: nothing was changed") from None
    report(facts, warnings)
    if not changed:
        console.print("\nEverything is wired so already: nothing was changed.")
        return
    console.print(f"\n{len(changed)} files written: {', '.join(changed)}", soft_wrap=True)
    removed = [name for name in present if not (root / name).exists()]
    if removed:
        console.print(f"{len(removed)} removed: {', '.join(removed)}", soft_wrap=True)
    if is_alone(root):
        console.print(OF_REMOTE, highlight=False, soft_wrap=True)
    if not fresh:
        console.print("Next: read docs/data-card.md and params.yaml, then `make verify`.")


def is_alone(root: Path) -> bool:
    """Return whether the data's remote is still the folder in the clone, as in a new project."""
    settings = ConfigParser()
    settings.read(root / ".dvc" / "config", encoding="utf-8")
    urls = [settings.get(section, "url", fallback="") for section in settings.sections()]
    return any(url.endswith(".dvc-storage") for url in urls)


def split(names: str) -> list[str]:
    """Return the names in a list that is separated by commas."""
    stripped = [name.strip() for name in names.split(",")]
    return [name for name in stripped if name]


def report(facts: Facts, warnings: Iterable[str]) -> None:
    """Print what was decided for each column and for the table, and why, then the warnings."""
    table = Table("column", "holds", "role", "because", box=None, padding=(0, 2, 0, 0))
    for column in facts.columns:
        name = column.name
        table.add_row(name, column.kind, facts.roles.of(name), escape(facts.roles.why[name]))
    for setting, value in facts.settings().items():
        table.add_row(f"[bold]{setting}", "", escape(value), "")
    console.print(table)
    # A warning may quote a column's name, which may hold what rich takes for markup.
    for warning in warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)
