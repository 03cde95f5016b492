"""The command that predicts whole files: in chunks, so that memory stays flat."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pyarrow
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..checksums import file_hash, file_stamp
from ..config import Config
from ..errors import ProjectError, hint
from .parts import FORM, Done, Parts, Totals, rejects_of, reserved

if TYPE_CHECKING:
    # It imports the libraries of models.
    from . import Found
    from .champion import Champion

ENGINES = ("local", "ray")

console = Console()


@dataclass(frozen=True)
class Order:
    """What is to be predicted.

    Attributes:
        source: A file, or a folder of files.
        out: Where the predictions go; a name that ends in .parquet, .pq or .csv.
        model: `champion`, `previous` or the number of a version.
        engine: `local`, or `ray`.
    """

    source: Path
    out: Path
    model: str = "champion"
    engine: str = "local"


def default_out(source: Path) -> Path:
    """Return where predictions go by default: customers-scores.csv for customers.csv."""
    name = source.name.removesuffix(".gz")
    stem, dot, suffix = name.rpartition(".")
    kind = ".csv" if suffix.lower() == "csv" and dot else ".parquet"
    return source.with_name(f"{stem if dot and not source.is_dir() else name}-scores{kind}")


def run(config: Config, root: Path, order: Order) -> str:
    """Predict every row of a file or folder.

    Stopped at any point, the same call goes on with the chunk that was not finished.

    Args:
        config: The settings; `data.read` says how the input is written.
        root: The project.
        order: What is to be predicted.

    Returns:
        What was done, in a few sentences.

    Raises:
        ProjectError: The input cannot be read or lacks a column, there is no such version, or the
            output is there already.
    """
    if order.engine not in ENGINES:
        raise ProjectError(f"ENGINE={order.engine} is no engine: choose from {', '.join(ENGINES)}")
    if not order.source.exists():
        raise ProjectError(f"IN={order.source} is not there")
    if order.source.is_dir() and order.out.resolve().parent == order.source.resolve():
        raise ProjectError(
            f"OUT={order.out} lies in the folder IN, whose files are all read: name another place"
        )
    with reserved(order.out):
        return _run(config, root, order)


def _run(config: Config, root: Path, order: Order) -> str:
    # Imported here: the libraries of models and the store take seconds.
    from ..data.readers import files_of, row_finder
    from . import find
    from .champion import Champion

    began = perf_counter()
    files = files_of(order.source)
    if not files:
        raise ProjectError(f"IN={order.source} is a folder without files")
    with console.status("loading the model", spinner="line"):
        found = find(config, root, order.model)
        champion = Champion(config, root, found)
    with champion:
        # Before anything is written: a column that is missing is missing in every row.
        job = Job(config, root, champion, files)
        before = [file_stamp(file) for file in files]
        with console.status("reading what is to be predicted", spinner="line"):
            facts = facts_of(config, found, files, order.engine)
        parts = Parts(order.out, facts)
        unknown = job.unknown()
        if unknown:
            names = escape(", ".join(unknown))
            console.print(
                f"Not looked at, since no schema declares them: {names}.", highlight=False
            )
        if parts.n_resumed:
            console.print(f"{parts.n_resumed:,} rows were predicted before; going on.")
        chunks = job.on_ray(parts) if order.engine == "ray" else job.here(parts)
        finders = [row_finder(file, config.data.read) for file in files]
        _write(chunks, parts, files, finders, order.source.is_dir())
    if [file_stamp(file) for file in files] != before:
        parts.give_up()
        raise ProjectError(f"IN={order.source} changed while it was read: predict it again")
    if not parts.n_rows:
        # Nothing to go on with.
        parts.give_up()
        raise ProjectError(f"{order.source} has a header and no rows")
    columns = {
        "model_version": pyarrow.scalar(found.version, pyarrow.int32()),
        "model_commit": pyarrow.scalar(found.commit, pyarrow.string()),
        "predicted_at": parts.moment,
    }
    about = {"model": found.model, "sha256": found.sha256, "facts": json.dumps(facts)}
    totals = parts.finish(columns, about)
    seconds = perf_counter() - began
    n_new = totals.read - parts.n_resumed
    return _summary(order, str(found), found.commit, totals) + (
        f" {seconds:,.0f} s, {n_new / seconds:,.0f} rows a second."
    )


def _write(
    chunks: Iterator[Done],
    parts: Parts,
    files: list[Path],
    finders: list[Callable[[int], str]],
    is_folder: bool,
) -> None:
    """Write each chunk, and show how far it is and how fast."""
    # In bytes, since the number of rows of a text file is not known before its end.
    sizes = [max(1, file.stat().st_size) for file in files]
    shares = dict.fromkeys(range(len(files)), 0.0)
    columns = (
        TextColumn("predicting"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} a second"),
        TimeRemainingColumn(),
    )
    began = perf_counter()
    n_new = 0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=sum(sizes), rows=parts.n_resumed, rate=0.0)
        for done in chunks:
            name = files[done.file].name if is_folder else None
            parts.write(done, name, finders[done.file])
            n_new += done.n_rows
            shares[done.file] = max(done.share, shares[done.file])
            progress.update(
                task,
                completed=sum(share * sizes[file] for file, share in shares.items()),
                rows=parts.n_rows,
                rate=n_new / (perf_counter() - began),
            )


def _summary(order: Order, version: str, commit: str, totals: Totals) -> str:
    sentence = f"{totals.predicted:,} rows were predicted by {version}"
    if commit:
        sentence += f", commit {commit[:7]}"
    sentence += f": {order.out}."
    if totals.rejected:
        rejects = rejects_of(order.out)
        sentence += f" {totals.rejected:,} rows break a rule and have no prediction: {rejects}."
    return sentence


class Job:
    """The files of an input, and the columns of each that the model can see."""

    def __init__(self, config: Config, root: Path, champion: "Champion", files: list[Path]) -> None:
        """Look at the columns of every file, before anything is predicted.

        Args:
            config: The settings.
            root: The project.
            champion: What predicts.
            files: The files, in order.

        Raises:
            ProjectError: A file cannot be read, or lacks a column.
        """
        self._how = config.data.read
        self._config = config
        self._root = root
        self._champion = champion
        self._files = files
        self._wanted = [self._columns(file) for file in files]

    def _columns(self, file: Path) -> list[str]:
        """The columns of a file that are known when a prediction is made."""
        from ..data import chunks

        names = chunks.column_names(file, self._how)
        missing = self._champion.missing(names)
        if missing:
            message = f"{file} lacks {', '.join(missing)}, which Request in schemas.py declares"
            others = set(names) - set(self._champion.declared(names))
            raise ProjectError(f"{message}; {hint(missing[0], others)}" if others else message)
        return self._champion.declared(names)

    def unknown(self) -> list[str]:
        """Return the columns of the input that no schema declares: they are not looked at."""
        from .. import team
        from ..data import chunks
        from ..data.validation import declarations

        found: dict[str, None] = {}
        for file, wanted in zip(self._files, self._wanted, strict=True):
            for name in chunks.column_names(file, self._how):
                # An outcome is often in the file, and is no surprise.
                if name not in wanted and not declarations(team.raw_table(), name):
                    found[name] = None
        return list(found)

    def here(self, parts: Parts) -> Iterator[Done]:
        """Predict in this process, chunk by chunk, without those that are done.

        Args:
            parts: What is done.
        """
        from ..data import chunks

        for number, file in enumerate(self._files):
            for first, rows, share in chunks.read_chunks(file, self._how, self._wanted[number]):
                if not parts.has(number, first, len(rows)):
                    scored = self._champion.score(rows)
                    yield Done(number, first, len(rows), scored, share)

    def on_ray(self, parts: Parts) -> Iterator[Done]:
        """Predict on a Ray cluster, some files or groups of rows at a time.

        Args:
            parts: What is done.
        """
        # Imported here: Ray is in an optional group.
        from .cluster import predict_pieces

        yield from predict_pieces(
            self._config, self._root, self._champion.found, self._files, self._wanted, parts
        )


def facts_of(config: Config, found: "Found", files: list[Path], engine: str) -> dict[str, Any]:
    """Return what must be the same for an interrupted run to go on.

    Args:
        config: The settings.
        found: The version that predicts.
        files: The files of the input.
        engine: What it runs on.
    """
    from ..data import chunks

    return {
        "input": {file.name: file_hash(file) for file in files},
        "model": {"version": found.version, "sha256": found.sha256},
        "settings": {
            "read": config.data.read.model_dump(mode="json"),
            "ids": config.data.ids,
            "sensitive": config.data.sensitive,
            "engine": engine,
            "form": FORM,
            "rows": chunks.ROWS,
            "pyarrow": version("pyarrow"),
        },
    }
