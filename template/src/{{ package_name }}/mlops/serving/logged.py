"""What is logged of an answered row, and what is not: nothing sensitive, nothing about a person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow

from .. import team
from ..config import Config
from ..data.validation import is_about_a_person

COLUMNS = {
    "request_id": pyarrow.string(),
    "row": pyarrow.int64(),
    "arm": pyarrow.string(),
    "version": pyarrow.int64(),
    "time": pyarrow.timestamp("us", "UTC"),
}
"""What every row has, before its prediction."""

KEY = ["request_id", "row", "arm"]
"""What tells one logged row from another."""


@dataclass(frozen=True)
class Logged:
    """A batch of answered rows. What it holds must not be changed afterwards.

    Attributes:
        request_ids: The request of each row.
        rows: The number of each row within its request, from 0.
        arms: The arm of each row: champion, shadow, canary, control or treatment.
        times: When each row was answered, in seconds since 1970.
        version: The version of the model.
        features: The feature table.
        ids: The columns by which labels may come, as `label_columns` lists them.
        predictions: One a row.
        probabilities: Shape (n_rows, n_classes); None without any.
        classes: The classes in the order of the columns of `probabilities`.
    """

    request_ids: Sequence[str]
    rows: Sequence[int]
    arms: Sequence[str]
    times: Sequence[float]
    version: int
    features: pd.DataFrame
    ids: pd.DataFrame
    predictions: np.ndarray
    probabilities: np.ndarray | None = None
    classes: Sequence[Any] = field(default=())

    def __post_init__(self) -> None:
        """Refuse parts of different lengths here, where it can be seen who mixed them up."""
        parts = (self.rows, self.arms, self.times, self.features, self.ids, self.predictions)
        lengths = {len(part) for part in (self.request_ids, *parts)}
        if self.probabilities is not None:
            lengths.add(len(self.probabilities))
            if self.probabilities.shape[1] != len(self.classes):
                raise ValueError("a column of probabilities for each class")
        if len(lengths) != 1:
            raise ValueError(f"the parts of a batch have different lengths: {sorted(lengths)}")

    @property
    def layout(self) -> tuple[Any, ...]:
        """What must be the same of batches that are written into one file."""
        # None between them, so that no column of the one is taken for one of the other.
        columns = (*self.ids.columns, None, *self.features.columns)
        return (columns, self.predictions.dtype, tuple(self.classes))


def label_columns(config: Config) -> list[str]:
    """Return the columns by which labels find their predictions: ids, group and time.

    Args:
        config: The project's settings. Personal and sensitive columns are left out.
    """
    optional = filter(None, [config.data.group, config.data.time])
    # A dictionary keeps the order, and each name once.
    names = dict.fromkeys([*config.data.ids, *optional])
    return [name for name in names if not is_private(config, name)]


def is_private(config: Config, name: str) -> bool:
    """Return whether a column is never logged, because it is sensitive or about a person.

    Args:
        config: The project's settings.
        name: A column of a request or a feature.
    """
    if name in config.data.sensitive:
        return True
    schemas = (team.request(), team.feature_schema())
    return any(is_about_a_person(schema, name) for schema in schemas)


def same_layout(batches: list[Logged]) -> list[list[Logged]]:
    """Return the batches in groups that can be written into one file.

    Args:
        batches: In any order.
    """
    groups: dict[tuple[Any, ...], list[Logged]] = {}
    for batch in batches:
        groups.setdefault(batch.layout, []).append(batch)
    return list(groups.values())


def as_table(batches: list[Logged], is_private: Callable[[str], bool]) -> pyarrow.Table:
    """Return the rows of batches of one layout, as the log's files have them.

    Args:
        batches: At least one.
        is_private: Says of a column whether it is left out.
    """
    first = batches[0]
    plain: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for batch in batches:
        plain["request_id"] += batch.request_ids
        plain["row"] += batch.rows
        plain["arm"] += batch.arms
        plain["version"] += [batch.version] * len(batch.rows)
        plain["time"] += [int(moment * 1e6) for moment in batch.times]
    columns = {name: pyarrow.array(plain[name], kind) for name, kind in COLUMNS.items()}
    columns["prediction"] = _array(np.concatenate([batch.predictions for batch in batches]))
    if first.probabilities is not None:
        probabilities = np.concatenate([batch.probabilities for batch in batches])
        for position, name in enumerate(first.classes):
            columns[f"probability_{name}"] = _array(probabilities[:, position])
    for prefix, frames in (
        ("id", [batch.ids for batch in batches]),
        ("feature", [batch.features for batch in batches]),
    ):
        for name, values in pd.concat(frames, ignore_index=True).items():
            if not is_private(str(name)):
                columns[f"{prefix}_{name}"] = _array(values)
    return pyarrow.table(columns)


def combined(tables: list[pyarrow.Table]) -> pyarrow.Table:
    """Return the rows of all tables; a column that has two kinds of values becomes text.

    Args:
        tables: They may have different columns.
    """
    try:
        return pyarrow.concat_tables(tables, promote_options="permissive")
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        pass
    kinds: dict[str, set[pyarrow.DataType]] = {}
    for table in tables:
        for column in table.schema:
            kinds.setdefault(column.name, set()).add(column.type)
    mixed = {name for name, found in kinds.items() if len(found) > 1}
    texts = []
    for table in tables:
        fields = []
        for column in table.schema:
            fields.append(column.with_type(pyarrow.string()) if column.name in mixed else column)
        texts.append(table.cast(pyarrow.schema(fields)))
    return pyarrow.concat_tables(texts, promote_options="default")


def _array(values: Any) -> pyarrow.Array:
    """A column in Arrow's types: numbers, booleans and moments as they are, all else as text.

    A column of objects without a value would otherwise have no type, and fit no other file.
    """
    series = pd.Series(values)
    is_plain = series.dtype.kind in "biufM"
    if is_plain:
        # Without pandas' own types Arrow is three times as fast.
        is_numpy = isinstance(series.dtype, np.dtype)
        return pyarrow.array(series.to_numpy() if is_numpy else series, from_pandas=True)
    try:
        return pyarrow.array(series.astype("string"), pyarrow.string(), from_pandas=True)
    except UnicodeEncodeError:
        # Half a surrogate pair, which JSON can hold and UTF-8 cannot.
        texts = [_valid_text(value) for value in series]
        return pyarrow.array(texts, pyarrow.string())


def _valid_text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value).encode("utf-8", "replace").decode()
