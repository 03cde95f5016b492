"""The commands that the Makefile, dvc.yaml, the git hooks and CI call."""

import subprocess
import sys
from importlib import import_module, util
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from .config import load_config
from .errors import ProjectError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def setup() -> None:
    """Install the git hooks and bring the data, once; bare files become a repository first."""
    if subprocess.run(["git", "rev-parse"], capture_output=True, check=False).returncode:
        subprocess.run(["git", "init", "--quiet", "-b", "main"], check=True)
    install = ["pre-commit", "install", "--hook-type", "pre-commit", "--hook-type", "pre-push"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(f"the git hooks could not be installed: {done.stdout}{done.stderr}")
    data(rows=None)


@app.command()
def data(
    rows: Annotated[int | None, typer.Option(min=1, help="Only so many rows: a slice.")] = None,
) -> None:
    """Bring the raw data: rebuild the simulated example, or pull from the DVC remote."""
    from .data import bring_data

    console.print(bring_data(load_config(Path.cwd()), Path.cwd(), rows), highlight=False)


@app.command()
def pipeline(stages: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Run the named stages, or all, without asking DVC what changed."""
    from .pipeline import STAGES, stage

    config = load_config(Path.cwd())
    for name in stages or STAGES:
        console.print(f"{name}: {stage(name)(config, Path.cwd())}", highlight=False)


@app.command()
def names(
    check: Annotated[bool, typer.Option("--check", help="Leave the table out.")] = False,
) -> None:
    """Print the naming table, then hold every name in the project against it."""
    from .naming import RULES, check_names

    if not check:
        table = Table("kind", "looks like", "example")
        for kind, rule in RULES.items():
            table.add_row(kind, rule.meaning, rule.example)
        console.print(table)
    console.print(f"{check_names(Path.cwd())} names follow the table", highlight=False)


@app.command()
def check() -> None:
    """Run the quick steps: everything but data, pipeline and tests; no report is written."""
    from .steps import checks
    from .verify import verify as run

    raise typer.Exit(not run(Path.cwd(), [[step] for step in checks(Path.cwd())], console))


@app.command()
def verify() -> None:
    """Run every step side by side and write reports/verification.json."""
    from .steps import TESTS, checks, pipeline
    from .verify import verify as run

    root = Path.cwd()
    # The longest first, so that the cores are busy to the end.
    quick = checks(root)
    last = [step for step in quick if step.alone]
    chains = [[TESTS], [*pipeline(root), *last], *([s] for s in quick if not s.alone)]
    report = root / "reports" / "verification.json"
    raise typer.Exit(not run(root, chains, console, report))


for extra in ("wire", "commands"):
    if util.find_spec(f"{__package__}.{extra}"):
        for command in import_module(f".{extra}", __package__).COMMANDS:
            app.command()(command)


def main() -> None:
    """Run a command; what a person can mend is one message and exit status 1."""
    try:
        app()
    except ProjectError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
