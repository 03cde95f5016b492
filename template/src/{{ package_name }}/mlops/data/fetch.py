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
    console.print(bring_data(load_config(Path.cwd()), Path.cwd(), rows), highlight=False)


def bring_data(config: Config, root: Path, rows: int | None = None) -> str:
    """Rebuild the example from its seed, or pull the raw data; `rows` rows of it at the most."""
    raw, pointer = root / config.data.raw, root / f"{config.data.raw}.dvc"
    if raw.exists() and rows:
        raise ProjectError(f"{config.data.raw} is there already: a slice would replace it")
    if not raw.exists():
        _fetch(config, root, rows)
    if not pointer.exists():
        _dvc("add", "--quiet", str(config.data.raw), cwd=root)
    return f"{config.data.raw} is there"


def _fetch(config: Config, root: Path, rows: int | None) -> None:
    import pandas as pd

    path = root / config.data.raw
    if config.data.raw == team.example_path():
        path.parent.mkdir(parents=True, exist_ok=True)
        team.simulate(rows, config.seed).to_csv(path, index=False, lineterminator="\n")
        return
    _dvc("pull", f"{path}.dvc", cwd=root)
    if rows:
        slice_ = pd.read_csv(path, nrows=rows, dtype=str)
        slice_.to_csv(path, index=False, lineterminator="\n")


def _dvc(*arguments: str, cwd: Path) -> None:
    done = subprocess.run(["dvc", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(f"dvc {arguments[0]} failed: {done.stderr.strip()}")


COMMANDS = (data,)
