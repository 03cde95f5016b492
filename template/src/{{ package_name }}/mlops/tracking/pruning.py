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
    root = Path.cwd()
    summary = collect_garbage(load_config(root), root, delete)
    console.print(summary, highlight=False)


def collect_garbage(config: Config, root: Path, really: bool) -> str:
    """Find the runs whose files nothing needs, and free those files.

    Needed are the files of every version with an alias, and of the newest runs. What was logged
    about a run, and its versions, stay.

    Args:
        config: How many of the newest runs keep their files, in tracking.keep_runs.
        root: The project.
        really: Whether to free the files; otherwise they are only counted.

    Returns:
        How many runs' files were or would be freed, and how many megabytes.

    Raises:
        ProjectError: A tracking server has the files.
    """
    sizes = prunable(root, _needed_files(config, root))
    if really:
        # Before anything is deleted, so that no version claims to have files that are gone.
        _tag_versions(root, sizes)
        for run in sizes:
            shutil.rmtree(files(root) / run)
    did = "freed" if really else "`make gc YES=1` would free"
    plural = "" if len(sizes) == 1 else "s"
    megabytes = sum(sizes.values()) / 1e6
    return f"{did} the files of {len(sizes)} run{plural}: {megabytes:.1f} MB"


def prunable(root: Path, needed: set[str]) -> dict[str, int]:
    """Measure the files of runs that are not needed.

    Args:
        root: The project.
        needed: The ids of the runs to leave out.

    Returns:
        The bytes of each other run's files, by its id.

    Raises:
        ProjectError: A tracking server has the files.
    """
    sizes = {}
    # Each run's files are in a folder that is named by its id.
    for folder in files(root).glob("*"):
        if not folder.is_dir() or folder.name in needed:
            continue
        paths = [path for path in folder.rglob("*") if path.is_file()]
        sizes[folder.name] = sum(path.stat().st_size for path in paths)
    return sizes


def _needed_files(config: Config, root: Path) -> set[str]:
    """The ids of the runs whose files must stay."""
    recent = runs.recent(root, config.tracking.keep_runs)
    needed = {run.id for run in recent}
    for model, numbers in registry.aliases(root).items():
        for version in registry.versions(root, model):
            if version.number in numbers.values():
                needed.add(version.run)
    return needed


def _tag_versions(root: Path, pruned: dict[str, int]) -> None:
    """Tag these runs' versions: registering the same model then stores it again."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for model in registry.aliases(root):
        for version in registry.versions(root, model):
            if version.run in pruned:
                registry.tag(root, model, version.number, "pruned", today)


COMMANDS = (gc,)
