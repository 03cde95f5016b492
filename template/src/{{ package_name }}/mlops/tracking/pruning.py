"""Frees the disk of what nothing needs any more; what was logged about a run stays."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..config import Config, load_config
from . import registry, runs
from .store import files

console = Console()


def gc(delete: Annotated[bool, typer.Option("--yes", help="Delete them.")] = False) -> None:
    """Report which files no alias and no recent run needs, or delete them."""
    console.print(collect_garbage(load_config(Path.cwd()), Path.cwd(), delete), highlight=False)


def collect_garbage(config: Config, root: Path, really: bool) -> str:
    """Say how many runs' files nothing needs, and with `really` free them.

    Needed are those of every version with an alias, and of the newest runs.
    """
    aliases = registry.aliases(root)
    versions = {model: registry.versions(root, model) for model in aliases}
    held = {(model, number) for model in aliases for number in aliases[model].values()}
    needed = {run.id for run in runs.recent(root, config.tracking.keep_runs)}
    needed |= {v.run for model in versions for v in versions[model] if (model, v.number) in held}
    sizes = prunable(root, needed)
    if really:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        pruned = ((m, v.number) for m in versions for v in versions[m] if v.run in sizes)
        for model, number in pruned:
            registry.tag(root, model, number, "pruned", today)
        for run in sizes:
            shutil.rmtree(files(root) / run)
    did = "freed" if really else "`make gc YES=1` would free"
    plural = "" if len(sizes) == 1 else "s"
    return f"{did} the files of {len(sizes)} run{plural}: {sum(sizes.values()) / 1e6:.1f} MB"


def prunable(root: Path, needed: set[str]) -> dict[str, int]:
    """The bytes of each run's files, of runs that are not needed."""
    return {
        folder.name: sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        for folder in files(root).glob("*")
        if folder.is_dir() and folder.name not in needed
    }


COMMANDS = (gc,)
