"""All that was found out about a table: what the files are written from.

What a column holds is decided in this order, the first three in columns.py:
1. `_judged` fills in the column; it asks `_find` for the kind of the values.
2. `_find` goes by the type that the file gives; for text it asks `_find_in_text`.
3. `_find_in_text` tries booleans, numbers and dates in turn; the rest stays text.
4. `_settled`, in this module, adapts the kind to the role, once `assign` has given one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from mlops.bounds import Leakage
from mlops.config import Read
from mlops.data.cells import convert
from mlops.data.readers import read, row_finder

from .advice import RARE_SHARE, advice
from .columns import Column, infer
from .gaps import telling_gaps
from .naming import dataset_name, normalize
from .roles import Overrides, Roles, assign, guess_slices
from .source import check_header, open_source
from .univariate import univariate_skill

MIN_ROWS_OF_LEAK = 50
"""On fewer rows a column tells so much by chance."""

MAX_CLASSES_SHOWN = 6
CONVERTED = ("integer", "number", "boolean", "date")
"""Kinds that a text file cannot hold, so that its text is converted."""


@dataclass(frozen=True)
class Facts:
    """What was found out about a table.

    Attributes:
        path: The file or folder that a person named.
        dataset: The name of the data set, from the file's.
        suffix: How the file's name ends in data/raw; empty for a folder.
        read: How the file is written.
        table: The table as it was read, its text converted.
        columns: What its columns hold, in order.
        roles: What its columns are for.
        leakage: What the gate `leakage` allows.
    """

    path: Path
    dataset: str
    suffix: str
    read: Read
    table: pd.DataFrame
    columns: list[Column]
    roles: Roles
    leakage: Leakage

    @property
    def raw(self) -> Path:
        """Where the data is located in the project."""
        return Path("data", "raw", f"{self.dataset}_raw{self.suffix}")

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def target(self) -> Column:
        """The column to predict."""
        return self.column(self.roles.target)

    @property
    def inputs(self) -> list[Column]:
        """Every column but the target, in the order of the file."""
        return [column for column in self.columns if column.name != self.roles.target]

    @property
    def features(self) -> list[Column]:
        """The columns that features are made of."""
        return [column for column in self.inputs if column.name in self.roles.features]

    @cached_property
    def classes(self) -> pd.Series:
        """How many rows each class of the target has, the smallest last."""
        return self.table[self.target.name].value_counts()

    @property
    def metric(self) -> str:
        """A scikit-learn scorer that fits the task and the balance of the classes."""
        if self.roles.task == "regression":
            return "r2"
        shares = self.classes / self.classes.sum()
        if len(shares) > 2:
            # The smallest class has at least half of an equal share.
            balanced = shares.min() * len(shares) > 0.5
            return "accuracy" if balanced else "balanced_accuracy"
        # Where hardly anybody is positive, ROC AUC flatters: most negatives are easy.
        rare = self.target.kind == "boolean" and shares.min() < RARE_SHARE
        return "average_precision" if rare else "roc_auc"

    @property
    def folds(self) -> int:
        """As many folds as the smallest class can fill, five at the most."""
        is_classification = self.roles.task == "classification"
        rows = self.classes.min() if is_classification else self.target.rows
        return int(np.clip(rows // 2, 2, 5))

    @cached_property
    def univariate(self) -> dict[str, float]:
        """The skill score of a small tree on each feature alone."""
        return univariate_skill(self)

    @cached_property
    def telling_gaps(self) -> dict[str, str]:
        """The columns whose missing values alone tell the outcome, and where they are missing."""
        return telling_gaps(self) if self.has_rows_to_judge else {}

    @property
    def has_rows_to_judge(self) -> bool:
        """Whether a column that tells the outcome does so by more than chance."""
        return self.target.rows - self.target.missing >= MIN_ROWS_OF_LEAK

    @property
    def balance(self) -> str:
        """The share of each class, the largest first; the quartiles of a number."""
        outcome = self.table[self.target.name].dropna()
        if self.roles.task == "regression":
            low, median, high = outcome.astype(float).quantile([0.25, 0.5, 0.75])
            return f"half of the values between {low:g} and {high:g}, median {median:g}"
        shown = [
            f"{label} {n_rows / len(outcome):.2%} ({n_rows:,})"
            for label, n_rows in self.classes.head(MAX_CLASSES_SHOWN).items()
        ]
        n_others = len(self.classes) - len(shown)
        return ", ".join(shown) + (f" and {n_others} more" if n_others else "")

    @property
    def suspects(self) -> list[str]:
        """The columns of which the gate `leakage` asks why they tell so much."""
        most = self.leakage.max_skill
        return [name for name, skill in self.univariate.items() if skill > most]

    def reason(self, name: str) -> str:
        """Return why a column may tell so much, as params.yaml has it; empty if it does not say."""
        return self.leakage.explained.get(self.feature_name(self.column(name)), "")

    @property
    def time_origin(self) -> str | None:
        """The column from which days are counted: the time of the rows, if it is a date."""
        time = self.roles.time
        if time is None or self.column(time).kind != "date":
            return None
        return time

    def feature_name(self, column: Column) -> str:
        """Return the name of the feature that is made of a column: a date becomes a number of days.

        Args:
            column: One of the columns.
        """
        if column.kind != "date":
            return column.name
        # The file may have a column of that name.
        taken = {other.name for other in self.columns}
        name = f"{column.name}_days"
        while name in taken:
            name += "_counted"
        return name

    def settings(self) -> dict[str, str]:
        """Return what was decided for the table as a whole, in words."""
        how = self.read.model_dump(exclude_defaults=True, exclude={"names", "dates"})
        written = ", ".join(f"{setting} {value!r}" for setting, value in how.items())
        held_out = f"by {self.roles.time}, the latest" if self.roles.time else "at random"
        return {
            "data set": f"{self.dataset}, {self.target.rows:,} rows in {self.raw.as_posix()}",
            "task": f"{self.roles.task} of {self.target.name}, measured by {self.metric}",
            "balance": self.balance,
            "rows are held out": held_out,
            "groups kept together": self.roles.group or "none",
            "slices": ", ".join(self.roles.slices) or "none",
            "written with": written or "UTF-8, commas",
        }

    def warnings(self) -> Iterator[str]:
        """Yield what would ruin the project later, a sentence each."""
        return advice(self)


def inspect_table(path: Path, overrides: Overrides) -> Facts:
    """Find out all about a table.

    Args:
        path: A file, or a folder of files of one shape.
        overrides: What a person decided.

    Returns:
        What the files of a project are written from.

    Raises:
        ProjectError: The table cannot be used; the message says why.
    """
    source = open_source(path)
    table = read(path, source.read)
    check_header(path, list(table.columns))
    names = normalize(list(table.columns))
    table = table.rename(columns=names)
    originals = {name: original for original, name in names.items()}
    marks = {names[original]: mark for original, mark in source.read.decimals.items()}
    written = source.read.model_copy(update={"decimals": marks})
    columns = list(infer(table, written, originals, row_finder(path, source.read)))
    roles = assign(table, columns, overrides)
    # Only now: what a column holds may depend on what it is for.
    columns = [_settle(column, roles, table) for column in columns]
    how = _how(written, names, columns)
    for column in columns:
        values = table[column.name]
        if pd.api.types.is_string_dtype(values) and column.kind in CONVERTED:
            present = convert(values.dropna(), column.kind, how, column.name)
            # Rows without a value come back as missing.
            table[column.name] = present.reindex(values.index)
    facts = Facts(
        path, dataset_name(path), source.suffix, how, table, columns, roles, overrides.leakage
    )
    _leave_out_leaks(facts, overrides)
    return facts


def _leave_out_leaks(facts: Facts, overrides: Overrides) -> None:
    """Take features that alone tell so much out of the features, unless none would be left."""
    if not facts.has_rows_to_judge:
        return
    roles = facts.roles
    gaps = facts.telling_gaps
    suspects = [name for name in roles.features if name in facts.suspects or name in gaps]
    leaks = [name for name in suspects if not facts.reason(name)]
    if len(leaks) == len(roles.features):
        return
    for name in leaks:
        skill = facts.univariate[name]
        roles.features.remove(name)
        roles.leaks.append(name)
        roles.why[name] += f"; {gaps.get(name, f'alone it has a skill score of {skill:.2f}')}"
    for name in roles.excluded:
        if name in gaps:
            roles.why[name] += f"; {gaps[name]}"
    # In each slice of such a column nearly all outcomes are the same.
    if leaks and not overrides.slices:
        guess_slices(roles, {column.name: column for column in facts.columns})


def _how(how: Read, names: dict[str, str], columns: list[Column]) -> Read:
    """Return how the file is written, with the names and dates that are not as usual."""
    renamed = {original: name for original, name in names.items() if original != name}
    dates = {}
    for column in columns:
        if column.formats not in ([], ["ISO8601"]):
            dates[column.name] = column.formats
    return how.model_copy(update={"names": renamed, "dates": dates})


def _settle(column: Column, roles: Roles, table: pd.DataFrame) -> Column:
    """Return a column with the kind that it has in its role."""
    if column.name in (*roles.ids, *roles.personal) and column.kind == "category":
        return replace(column, kind="text", values=[])  # who somebody is must not be in a list
    if column.name == roles.target and roles.task == "classification":
        # A class is a label: 1.0 and 2.0 are the integers 1 and 2.
        if column.kind == "number":
            return replace(column, kind="integer")
        if column.kind == "text":
            return replace(column, kind="category", values=sorted(table[column.name].unique()))
    return column
