"""Bring the raw data to this machine, whole or as a slice, and append new rows to it."""

import hashlib
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from .. import team
from ..config import Config, find_root, load_config
from ..errors import ProjectError
from ..git import git

OF_REMOTE = (
    "The remote is `url` in .dvc/config: write the address of a place there that CI and colleagues "
    "reach ('Where the data is kept' in CONTRIBUTING.md), and `uv run dvc push` where the data is"
)

FOLDER_SLICE = "slice.parquet"
"""The file of a slice where the raw data is a folder: Parquet needs no `data.read`."""

console = Console()


def data(
    rows: Annotated[int | None, typer.Option(min=1, help="At most this many rows.")] = None,
    add: Annotated[str, typer.Option(help="Files or a folder with rows to append.")] = "",
) -> None:
    """Bring the raw data: rebuild the simulated example, or pull from the DVC remote.

    With `--add`, append the rows of files to what is there.
    """
    root = find_root(Path.cwd())
    config = load_config(root)
    said = bring_data(config, root, rows)
    if add:
        said = _append(config, root, add)
    console.print(said, highlight=False, markup=False, soft_wrap=True)


def _append(config: Config, root: Path, given: str) -> str:
    """Append rows, where the project can."""
    # Imported here: to bring data needs no pandas, and a starter has no such module.
    try:
        from .append import append
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.append":
            raise
        raise ProjectError(
            f"a starter appends no rows: put them into {config.data.raw} yourself, then run "
            f"`uv run dvc add {config.data.raw}` and `make pipeline`"
        ) from None
    said: str = append(config, root, given)
    return said


def bring_data(config: Config, root: Path, rows: int | None = None) -> str:
    """Rebuild the example from its seed, or pull the raw data from the DVC remote.

    Where a slice is asked for and the data cannot be reached, as in CI without a remote, rows are
    made up from the schema instead.

    Args:
        config: The project's settings.
        root: The project's folder.
        rows: At most this many rows of it; None brings all.

    Returns:
        One sentence that says where the data is, or that it was made up.

    Raises:
        ProjectError: A part was asked for where the data already is, or DVC failed.
    """
    raw = root / config.data.raw
    said = f"{config.data.raw} is there"
    if raw.exists() and rows:
        raise ProjectError(f"{config.data.raw} is there already: a slice would replace it")
    stage = stage_of(root, config.data.raw)
    if not raw.exists():
        said = _fetch(config, root, rows, stage) or said
    pointer = root / f"{config.data.raw}.dvc"
    # What a stage makes is versioned by dvc.lock.
    if stage is None and not pointer.exists():
        dvc("add", "--quiet", str(config.data.raw), cwd=root)
    return said


def pointers(root: Path, raw: Path) -> list[str]:
    """Return the files in git by whose commits the raw data's age is known.

    Args:
        root: The project's folder.
        raw: The raw data, from the project's root.

    Returns:
        DVC's pointer to it; those to the inputs of the stage that makes it, if there is one.
    """
    name = stage_of(root, raw)
    if name is None:
        return [f"{raw}.dvc"]
    inputs = [str(dep) for dep in _stages(root)[name].get("deps", [])]
    return [f"{dep}.dvc" for dep in inputs if (root / f"{dep}.dvc").exists()]


def _stages(root: Path) -> dict[str, dict[str, Any]]:
    """The stages in dvc.yaml; none in a container, or in a test."""
    pipeline = root / "dvc.yaml"
    if not pipeline.exists():
        return {}
    found: dict[str, dict[str, Any]] = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    return found.get("stages", {})


def stage_of(root: Path, path: Path) -> str | None:
    """Return the stage in dvc.yaml that makes a file; None if it is data that came from outside.

    Args:
        root: The project's folder.
        path: The file, from the project's root.
    """
    for name, stage in _stages(root).items():
        for out in stage.get("outs", []):
            # An out with options is a dictionary of one key.
            written = out if isinstance(out, str) else next(iter(out))
            if Path(written) == path:
                return str(name)
    return None


def _fetch(config: Config, root: Path, rows: int | None, stage: str | None) -> str:
    """Bring data that is not here; return a sentence if it is not all, or not what it should be."""
    raw = config.data.raw
    if raw == team.example_path():
        _rebuild_example(config, root, rows)
        return f"{raw}: {rows:,} rows of the example, simulated from its seed" if rows else ""
    try:
        if stage is None:
            dvc("pull", f"{raw}.dvc", cwd=root)
        else:
            dvc("repro", "--pull", stage, cwd=root)
    except ProjectError as error:
        # DVC would run the stage, whose inputs nothing makes up.
        if rows is None or stage is not None:
            raise ProjectError(
                f"{raw} cannot be brought: {error}\n{OF_REMOTE}, then `make data` here"
            ) from None
        return _invent(config, root, rows, error)
    if rows:
        _cut(config, root, rows)
    return ""


def _rebuild_example(config: Config, root: Path, rows: int | None) -> None:
    path = root / config.data.raw
    path.parent.mkdir(parents=True, exist_ok=True)
    table = team.simulate(rows, config.seed)
    # The same line ends on every system, so that DVC's checksum is the same too.
    table.to_csv(path, index=False, lineterminator="\n")
    pointer = path.with_name(f"{path.name}.dvc")
    if rows is None and pointer.exists():
        recorded = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0].get("md5")
        # Somebody appended rows, which no seed brings back.
        if recorded != hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest():
            dvc("pull", "--force", str(pointer), cwd=root)


def _invent(config: Config, root: Path, rows: int, error: ProjectError) -> str:
    """Write made-up rows where the raw data belongs, and say so plainly."""
    # Imported here, as pandas is.
    from .writers import write_rows

    raw = config.data.raw
    path = root / raw
    # A folder has no suffix that would say what its files are.
    if not path.suffix:
        path = path / FOLDER_SLICE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(team.simulate(rows, config.seed), path, config.data.read)
    # DVC's advice follows below.
    reason = str(error).splitlines()[0]
    return (
        f"MADE-UP ROWS: {raw} could not be brought ({reason}), so {rows:,} rows were made up from "
        "schemas.py. They show that the code runs; the scores say nothing about the real data. "
        f"{OF_REMOTE}."
    )


def _cut(config: Config, root: Path, rows: int) -> None:
    """Keep the first rows of the raw data."""
    from .readers import files_of, kind_of, read
    from .writers import write_rows

    path = root / config.data.raw
    # Nothing here writes workbooks, so they stay whole.
    if any(kind_of(file) == "sheet" for file in files_of(path)):
        return
    first_rows = read(path, config.data.read).head(rows)
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
        path = path / FOLDER_SLICE
    write_rows(first_rows, path, config.data.read)


def dvc(*arguments: str, cwd: Path) -> str:
    """Run DVC.

    Args:
        arguments: The subcommand and its arguments.
        cwd: The folder to run it in.

    Returns:
        What it printed.

    Raises:
        ProjectError: It failed; the message is what it printed.
    """
    command = ["dvc", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(f"dvc {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def undo(root: Path, pointer: str) -> str:
    """Return how to go back to the last commit: git has the pointer as it was, DVC the data.

    Args:
        root: The project's folder.
        pointer: DVC's pointer to the data, from the root.
    """
    try:
        is_committed = bool(git(root, "ls-tree", "--name-only", "HEAD", "--", pointer))
    except ProjectError:  # no repository, or no commit yet
        is_committed = False
    if not is_committed:
        return f"It cannot be undone: no commit has {pointer} as it was."
    path = shlex.quote(pointer)
    return f"Undo: git checkout HEAD -- {path} && uv run dvc checkout {path}"


def raw_data() -> None:
    """Say what to do where the raw data is not here, and nothing where it is."""
    root = find_root(Path.cwd())
    problem = missing(load_config(root), root)
    if problem:
        raise ProjectError(problem)


def missing(config: Config, root: Path) -> str:
    """Return which raw data is not here and what brings it; empty if all is here.

    Args:
        config: The project's settings.
        root: The project's folder.
    """
    files = [pointer.removesuffix(".dvc") for pointer in pointers(root, config.data.raw)]
    absent = [file for file in files if not (root / file).exists()]
    if not absent:
        return ""
    return (
        f"{', '.join(absent)} is not here: `make data` brings the raw data; where it cannot, "
        "'Where the data is kept' in CONTRIBUTING.md says what to do"
    )
