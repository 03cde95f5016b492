"""Predict on a Ray cluster: each worker reads, judges and predicts some files or groups of rows."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from .. import team
from ..config import Config, Read
from ..data.chunks import read_chunks
from ..errors import ProjectError
from ..modeling import manifest
from . import Found
from .champion import lay_out
from .parts import Done, Parts
from .scoring import Fault, Scored, Scorer

FILES = (manifest.SNAPSHOT, "manifest.json", "model.skops")
"""What a worker needs of a version."""

DEFAULTS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}
"""What Ray reads from the environment, unless it is set there: it reports to nobody."""


def predict_pieces(
    config: Config,
    root: Path,
    found: Found,
    files: list[Path],
    wanted: list[list[str]],
    parts: Parts,
) -> Iterator[Done]:
    """Predict on the cluster that RAY_ADDRESS names, else on one of this machine's own.

    Args:
        config: The settings.
        root: The project.
        found: The version that predicts.
        files: The files, where every worker can read them.
        wanted: The columns to read of each.
        parts: What is done already.

    Yields:
        What became of each piece, in the order in which they are ready.

    Raises:
        ProjectError: Ray is not installed.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ModuleNotFoundError:
        raise ProjectError(
            "ENGINE=ray needs Ray, which is not installed: `uv sync --group ray` brings it"
        ) from None
    pieces = []
    for number, file in enumerate(files):
        for piece in _pieces(number, file, wanted[number]):
            # The number of rows of a text file is not known before it is read.
            if not parts.has_begun(number, piece["first"]):
                pieces.append(piece)
    if not pieces:
        return
    with TemporaryDirectory() as scratch:
        # The workers import this package as it has to be for this version, wherever they are.
        source = team.PACKAGE
        if not team.is_code(manifest.read(found.folder).get("code")):
            source = lay_out(root, found.commit, found.folder, Path(scratch)) / team.PACKAGE.name
        ray.init(
            runtime_env={"py_modules": [str(source)]},
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
        )
        try:
            yield from _on_workers(ray, config, found, pieces)
        finally:
            ray.shutdown()


def _on_workers(
    ray: Any, config: Config, found: Found, pieces: list[dict[str, Any]]
) -> Iterator[Done]:
    # Sent as bytes: a worker on another machine does not see this folder.
    contents = {}
    for name in FILES:
        path = found.folder / name
        if path.exists():
            contents[name] = path.read_bytes()
    # A worker takes one core, and one without a piece would only load the model.
    n_workers = min(len(pieces), max(1, int(ray.cluster_resources().get("CPU", 1))))
    how = config.data.read.model_dump(mode="json")
    columns = {"ids": config.data.ids, "sensitive": config.data.sensitive}
    table = ray.data.from_items(pieces, override_num_blocks=len(pieces))
    scored = table.map(
        Worker,
        fn_constructor_args=(contents, how, columns),
        concurrency=n_workers,
    )
    for piece in scored.iter_rows():
        predictions = pyarrow.ipc.open_stream(piece["predictions"]).read_pandas()
        faults = pyarrow.ipc.open_stream(piece["faults"]).read_pandas()
        found_faults = [Fault(*fault) for fault in faults.itertuples(index=False)]
        done = Scored(predictions, found_faults)
        yield Done(piece["number"], piece["first"], piece["n_rows"], done, 1.0)


class Worker:
    """A process of the cluster that has loaded the model."""

    def __init__(
        self, contents: dict[str, bytes], how: dict[str, Any], columns: dict[str, list[str]]
    ) -> None:
        """Load the model.

        Args:
            contents: The files of the version by their names.
            how: How text files are written.
            columns: Those to carry through as `ids`, and the `sensitive` ones.
        """
        self._how = Read.model_validate(how)
        with TemporaryDirectory() as folder:
            for name, content in contents.items():
                Path(folder, name).write_bytes(content)
            self._scorer = Scorer(Path(folder), self._how, **columns)

    def __call__(self, piece: dict[str, Any]) -> dict[str, Any]:
        """Predict a piece.

        Args:
            piece: As `_pieces` describes it.

        Returns:
            The piece with what became of its rows, as bytes that Arrow reads.
        """
        predictions = []
        faults = []
        n_rows = 0
        path = Path(piece["file"])
        for _, rows, _ in read_chunks(path, self._how, piece["wanted"], piece["groups"] or None):
            scored = self._scorer.score(rows)
            predictions.append(scored.predictions.set_axis(scored.predictions.index + n_rows))
            faults += [fault._replace(row=fault.row + n_rows) for fault in scored.faults]
            n_rows += len(rows)
        # A part without rows does not know the types of its columns.
        filled = [part for part in predictions if len(part)] or predictions[:1]
        table = pd.concat(filled) if filled else pd.DataFrame()
        return {
            "number": piece["number"],
            "first": piece["first"],
            "n_rows": n_rows,
            "predictions": _as_bytes(table),
            "faults": _as_bytes(pd.DataFrame(faults, columns=list(Fault._fields))),
        }


def _pieces(number: int, file: Path, wanted: list[str]) -> Iterator[dict[str, Any]]:
    """What one worker does at a time: a group of rows of a Parquet file, or another whole file."""
    piece = {"number": number, "file": str(file.resolve()), "wanted": wanted}
    # Where a line of text begins is only known to who reads all before it.
    if file.suffix not in (".parquet", ".pq"):
        yield piece | {"first": 0, "groups": []}
        return
    metadata = parquet.read_metadata(file)
    first = 0
    for group in range(metadata.num_row_groups):
        yield piece | {"first": first, "groups": [group]}
        first += metadata.row_group(group).num_rows


def _as_bytes(table: pd.DataFrame) -> bytes:
    # Ray's own format for a cell has no table in it.
    sink = pyarrow.BufferOutputStream()
    content = pyarrow.Table.from_pandas(table)
    with pyarrow.ipc.new_stream(sink, content.schema) as writer:
        writer.write_table(content)
    return bytes(sink.getvalue())
