"""Bring the raw data to this machine."""

import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .. import team
from ..config import Config, load_config
from ..errors import ProjectError

console = Console()


def data(
    rows: Annotated[int | None, typer.Option(min=1, help="At most this many rows.")] = None,
) -> None:
    """Bring the raw data: rebuild the simulated example, or pull from the DVC remote."""
    root = Path.cwd()
    console.print(bring_data(load_config(root), root, rows), highlight=False)


def bring_data(config: Config, root: Path, rows: int | None = None) -> str:
    """Rebuild the example from its seed, or pull the raw data from the DVC remote.

    Args:
        config: The project's settings.
        root: The project's folder.
        rows: At most this many rows of it; None brings all.

    Returns:
        One sentence that says where the data is.

    Raises:
        ProjectError: A part was asked for where the data already is, or DVC failed.
    """
    raw = root / config.data.raw
    if raw.exists() and rows:
        raise ProjectError(f"{config.data.raw} is there already: a slice would replace it")
    if not raw.exists():
        _fetch(config, root, rows)
    pointer = root / f"{config.data.raw}.dvc"
    if not pointer.exists():
        dvc("add", "--quiet", str(config.data.raw), cwd=root)
    return f"{config.data.raw} is there"


def _fetch(config: Config, root: Path, rows: int | None) -> None:
    # Imported here: without a table to cut, the command starts without pandas.
    import pandas as pd

    path = root / config.data.raw
    if config.data.raw == team.example_path():
        path.parent.mkdir(parents=True, exist_ok=True)
        table = team.simulate(rows, config.seed)
        # The same line ends on every system, so that DVC's checksum is the same too.
        table.to_csv(path, index=False, lineterminator="\n")
        return
    dvc("pull", f"{path}.dvc", cwd=root)
    if rows:
        # As text: a part must hold the values as they are written.
        first_rows = pd.read_csv(path, nrows=rows, dtype=str)
        first_rows.to_csv(path, index=False, lineterminator="\n")


def dvc(*arguments: str, cwd: Path) -> None:
    """Run DVC.

    Args:
        arguments: The subcommand and its arguments.
        cwd: The folder to run it in.

    Raises:
        ProjectError: It failed; the message is what it printed.
    """
    command = ["dvc", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(f"dvc {arguments[0]} failed: {done.stderr.strip()}")


COMMANDS = (data,)
