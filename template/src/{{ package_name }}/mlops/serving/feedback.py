"""Labels that come later: which prediction each is about, and where they are kept.

Labels are stored beside the prediction log and never in it, one file for each delivery, under the
request and the row that they are about. The latest label of a row counts.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..config import Config, find_root, load_config
from ..errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd

    from ..data.cells import Where

console = Console()

FOLDER = Path("data", "feedback", "labels")
"""Where the labels are, from the project's root."""

ROW_KEY = ["request_id", "row"]
"""What a label is about, whichever arm answered."""


def feedback(
    file: Annotated[str, typer.Argument(help="Labels, in any format that `make wire` reads.")],
) -> None:
    """Join labels that came later to their predictions."""
    if not file:
        raise ProjectError("say where the labels are: make feedback FILE=labels.csv")
    root = find_root(Path.cwd())
    outcome = add_labels(load_config(root), root, Path(file))
    said = f"{file} was read. {outcome.summary}"
    console.print(said, highlight=False, markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Outcome:
    """What became of the labels in a file.

    Attributes:
        n_new: Predictions that had no label before.
        n_corrected: Predictions that had another label before.
        n_known: Predictions that had the same label before.
        n_unknown: Labels of no prediction that is logged.
        n_duplicate: Labels with a later one of the same key in the same file.
        n_empty: Rows of the file without a label.
        n_waiting: Predictions that have no label yet.
    """

    n_new: int
    n_corrected: int
    n_known: int
    n_unknown: int
    n_duplicate: int
    n_empty: int
    n_waiting: int

    @property
    def summary(self) -> str:
        """One line: first what became of predictions, then of labels that are of none."""
        of_predictions = {
            "got their label": self.n_new,
            "got another label than before": self.n_corrected,
            "had that label already": self.n_known,
            "still wait for one": self.n_waiting,
        }
        of_labels = {
            "of no logged prediction": self.n_unknown,
            "repeated, of which the last counts": self.n_duplicate,
            "empty": self.n_empty,
        }
        sentences = []
        for what, counts in (("Predictions", of_predictions), ("Labels", of_labels)):
            said = [f"{count:,} {words}" for words, count in counts.items() if count]
            if said:
                sentences.append(f"{what}: {'; '.join(said)}")
        return f"{'. '.join(sentences)}."


def add_labels(config: Config, root: Path, path: Path) -> Outcome:
    """Join the labels in a file to logged predictions, and store them.

    Args:
        config: The project's settings. `data.read` says how the file is written.
        root: The project's folder.
        path: It has the target's column and `request_id`, with `row` where a request had several
            rows; or the columns of `data.ids`, and `data.time` where it should count. Then a
            label is about every prediction with these values.

    Returns:
        What became of the labels.

    Raises:
        ProjectError: The file cannot be read or has other columns, a label breaks a rule of its
            column in RawTable, it is not clear which row is meant, or no label is of a logged
            prediction.
    """
    # Imported here, like all that is slow: `--help` imports this module, and needs none of it.
    import pyarrow

    from ..data.readers import row_finder
    from . import log_files
    from .log import read_log

    where = row_finder(path, config.data.read)
    labels, keys, n_empty = _read_labels(config, path, where)
    counted = labels.drop_duplicates(keys, keep="last")
    logged = read_log(root).drop_duplicates(ROW_KEY)
    if logged.empty:
        raise ProjectError("no prediction is logged yet, so no label can be joined to one")
    joined, n_unknown = _join(counted, keys, logged, where)
    if joined.empty and n_unknown:
        raise ProjectError(
            f"{path}: none of {n_unknown:,} labels is of a logged prediction, by {', '.join(keys)}"
        )
    # As text: where some have no label, whole numbers would become others.
    before = read_labels(root).astype({"label": str})
    known = joined.merge(before, on=ROW_KEY, how="left", suffixes=("", "_before"))
    had_label = known["label_before"].notna()
    is_same = known["label"].astype(str) == known["label_before"]
    stored = known.loc[~is_same, [*ROW_KEY, "label"]]
    if len(stored):
        received = [datetime.now(UTC)] * len(stored)
        table = pyarrow.Table.from_pandas(stored, preserve_index=False).replace_schema_metadata()
        kind = pyarrow.timestamp("us", "UTC")
        table = table.append_column("received", pyarrow.array(received, kind))
        log_files.write_part(root / FOLDER, table, "labels")
    n_labelled = len(logged[ROW_KEY].merge(read_labels(root)[ROW_KEY], on=ROW_KEY))
    return Outcome(
        n_new=int((~had_label).sum()),
        n_corrected=int((had_label & ~is_same).sum()),
        n_known=int(is_same.sum()),
        n_unknown=n_unknown,
        n_duplicate=len(labels) - len(counted),
        n_empty=n_empty,
        n_waiting=len(logged) - n_labelled,
    )


def read_labels(root: Path) -> pd.DataFrame:
    """Read the latest label of each row.

    Args:
        root: The project's folder.

    Returns:
        `request_id`, `row`, `label` and when it was `received`.
    """
    import pyarrow

    from . import log_files
    from .logged import combined

    kinds = {"request_id": pyarrow.string(), "row": pyarrow.int64(), "label": pyarrow.null()}
    kinds["received"] = pyarrow.timestamp("us", "UTC")
    empty = pyarrow.schema(kinds).empty_table()
    rows: pd.DataFrame = combined([empty, *log_files.read_files(root / FOLDER)]).to_pandas()
    # The files are in the order in which they came.
    return rows.drop_duplicates(ROW_KEY, keep="last", ignore_index=True)


def labelled_predictions(root: Path, since: datetime | None = None) -> pd.DataFrame:
    """Read the predictions whose label is known.

    Args:
        root: The project's folder.
        since: Only predictions that were made then or later, in a time zone; None reads all.

    Returns:
        The rows of `read_log`, with `label` and when it was `received`.
    """
    from .log import read_log

    return read_log(root, since).merge(read_labels(root), on=ROW_KEY)


def _read_labels(config: Config, path: Path, where: Where) -> tuple[pd.DataFrame, list[str], int]:
    """The labels of a file, the columns that say what each is about, and how many are empty."""
    import pandas as pd

    from .. import team
    from ..data.cells import convert_types
    from ..data.readers import read
    from .logged import label_columns

    if not path.exists():
        raise ProjectError(f"{path} is not there")
    rows = read(path, config.data.read)
    target = config.data.target
    keys = [name for name in ROW_KEY if name in rows]
    if "request_id" not in rows:
        keys = [name for name in label_columns(config) if name in rows]
    is_known = "request_id" in rows or set(config.data.ids) <= set(keys)
    if target not in rows or not keys or not is_known:
        ids = ", ".join(config.data.ids) or "an id in data.ids"
        raise ProjectError(f"{path} needs the column {target}, and request_id or {ids}")
    if "row" in keys:
        numbers = pd.to_numeric(rows["row"], errors="coerce")
        if numbers.isna().any() or (numbers % 1 != 0).any():
            raise ProjectError(f"{path}: row is the number of a row in its request, from 0")
        rows["row"] = numbers.astype("int64")
    schema = team.raw_table().to_schema()
    typed = convert_types(rows[[*keys, target]], schema, config.data.read, where)
    labels = typed.dropna(subset=[target])
    values = _validated(labels[target], path, where)
    # As the model was trained: metrics that have a positive class take 1 for it.
    if values.dtype == "boolean":
        values = values.astype(int)
    labels = labels.drop(columns=target).assign(label=values)
    if "request_id" in keys:
        labels["request_id"] = labels["request_id"].astype(str)
    return labels, keys, len(rows) - len(labels)


def _validated(labels: pd.Series, path: Path, where: Where) -> pd.Series:
    """The labels with the type of their column in RawTable; none may break a rule of it."""
    import pandera.pandas as pa

    from .. import team

    name = str(labels.name)
    column = copy.deepcopy(team.raw_table().to_schema().columns[name])
    # Labels of several rows may be equal, whatever a table as a whole must hold.
    column.unique = False
    try:
        pa.DataFrameSchema({name: column}, coerce=True).validate(labels.to_frame(), lazy=True)
        cases = None
    except pa.errors.SchemaErrors as error:
        # A rule of the whole column says nothing about a few labels, and has no row.
        cases = error.failure_cases.dropna(subset=["index"])
    if cases is not None and len(cases):
        first = cases.iloc[0]
        raise ProjectError(
            f"{path}: {name} breaks the rule {first['check']} in {cases['index'].nunique():,} "
            f"row(s), the first is {where(first['index'])}"
        )
    return column.dtype.try_coerce(labels) if column.dtype else labels


def _join(
    labels: pd.DataFrame, keys: list[str], logged: pd.DataFrame, where: Where
) -> tuple[pd.DataFrame, int]:
    """The labels of logged rows under ROW_KEY, and how many labels are of none."""
    if "request_id" not in keys:
        return _join_by_ids(labels, keys, logged)
    if "row" not in keys:
        n_rows = logged.groupby("request_id")["row"].size()
        several = n_rows[n_rows > 1].index
        is_unclear = labels["request_id"].isin(several)
        if is_unclear.any():
            raise ProjectError(
                f"{is_unclear.sum():,} label(s) are of requests that had several rows, the first "
                f"is {where(is_unclear.idxmax())}: add the column `row`, the number of each row in "
                "its request, from 0"
            )
    joined = labels.merge(logged[ROW_KEY], on=[name for name in ROW_KEY if name in keys])
    return joined, len(labels) - len(joined)


def _join_by_ids(
    labels: pd.DataFrame, keys: list[str], logged: pd.DataFrame
) -> tuple[pd.DataFrame, int]:
    """The same by columns of the table: one label may be about several predictions."""
    import pandas as pd

    missing = [name for name in keys if f"id_{name}" not in logged]
    if missing:
        raise ProjectError(f"the prediction log has no {', '.join(missing)}: use request_id")
    known = logged[ROW_KEY].copy()
    for name in keys:
        values = logged[f"id_{name}"]
        is_moment = pd.api.types.is_datetime64_dtype(labels[name])
        # In PostgreSQL a moment is text.
        known[name] = pd.to_datetime(values) if is_moment else values
    known = known.dropna()
    try:
        joined = labels.merge(known, on=keys)
    except ValueError:
        raise ProjectError(f"{', '.join(keys)}: the prediction log has other types") from None
    return joined, len(labels) - len(joined.drop_duplicates(keys))
