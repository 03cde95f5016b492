"""All that was found out about a table: what the files are written from."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from mlops.config import Read
from mlops.data.readers import convert, read
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .columns import Column, infer, normalised
from .roles import Roles, Wishes, assign
from .source import check_header, open_source

SAMPLE = 10_000
FOLDS = 3
RARE = 0.1
LEAK = 0.99
FEW_ROWS = 100
FEW_A_CLASS = 10
CONVERTED = ("integer", "number", "boolean", "date")


@dataclass(frozen=True)
class Facts:
    """The table as it was read, how it is read, and what its columns are."""

    path: Path
    dataset: str
    suffix: str
    read: Read
    table: pd.DataFrame
    columns: list[Column]
    roles: Roles

    @property
    def raw(self) -> Path:
        """Where the data lies in the project."""
        return Path("data", "raw", f"{self.dataset}_raw{self.suffix}")

    def column(self, name: str) -> Column:
        """The column of that name."""
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
            return "accuracy" if shares.min() * len(shares) > 0.5 else "balanced_accuracy"
        rare = self.target.kind == "boolean" and shares.min() < RARE
        return "average_precision" if rare else "roc_auc"

    @property
    def folds(self) -> int:
        """As many folds as the smallest class can fill, five at the most."""
        rows = self.classes.min() if self.roles.task == "classification" else self.target.rows
        return int(np.clip(rows // 2, 2, 5))

    @cached_property
    def alone(self) -> dict[str, float]:
        """How well a small tree predicts from each feature alone, on a sample of the rows.

        From 0, no better than chance, to 1: Gini (2 AUC - 1) for two classes, chance-corrected
        balanced accuracy for more, R2 for numbers.
        """
        labelled = self.table[self.table[self.target.name].notna()]
        sample = labelled.sample(min(SAMPLE, len(labelled)), random_state=0)
        leaf = max(5, len(sample) // 200)
        if self.roles.task == "regression":
            tree = DecisionTreeRegressor(min_samples_leaf=leaf, max_depth=6, random_state=0)
            truth, metric, chance = sample[self.target.name].astype(float), "r2", 0.0
        else:
            tree = DecisionTreeClassifier(min_samples_leaf=leaf, max_depth=6, random_state=0)
            truth = pd.Series(pd.factorize(sample[self.target.name])[0], index=sample.index)
            metric = "roc_auc" if truth.nunique() == 2 else "balanced_accuracy"
            chance = 0.5 if truth.nunique() == 2 else 1 / truth.nunique()
        found = {}
        for column in self.features:
            values = coded(sample[column.name]).to_numpy()[:, None]
            with warnings.catch_warnings(action="ignore"):  # a class may be missing from a fold
                scores = cross_val_score(tree, values, truth, scoring=metric, cv=FOLDS)
                score = (np.nanmean(scores) - chance) / (1 - chance)
            found[column.name] = float(np.clip(np.nan_to_num(score), 0, 1))
        return found

    def settings(self) -> dict[str, str]:
        """What was decided for the table as a whole, in words."""
        how = self.read.model_dump(exclude_defaults=True, exclude={"names", "dates"})
        return {
            "data set": f"{self.dataset}, {self.target.rows:,} rows in {self.raw.as_posix()}",
            "task": f"{self.roles.task} of {self.target.name}, measured by {self.metric}",
            "rows are held out": (
                f"by {self.roles.time}, the latest" if self.roles.time else "at random"
            ),
            "groups kept together": self.roles.group or "none",
            "slices": ", ".join(self.roles.slices) or "none",
            "written with": ", ".join(f"{k} {v!r}" for k, v in how.items()) or "UTF-8, commas",
        }

    def warnings(self) -> Iterator[str]:
        """What would ruin the project later, a sentence each."""
        for name, score in self.alone.items():
            if score >= LEAK:
                yield (
                    f"{name} alone predicts the target almost perfectly: if it is known only "
                    "after the outcome, it leaks; leave it out of the file"
                )
        for name in self.roles.personal:
            yield f"{name} looks personal ({self.roles.why[name]}): no feature, shown in no message"
        for column in self.features:
            if column.kind in ("integer", "text") and column.distinct > 0.95 * column.rows:
                yield f"{column.name} may be an id: nearly every row has another value"
        if twice := int(self.table.duplicated().sum()):
            yield f"{twice:,} rows are there twice: a copy can be learned from and held out"
        if self.roles.task == "classification" and self.classes.min() < FEW_A_CLASS:
            yield f"the class {self.classes.index[-1]!r} has {self.classes.min()} rows: too few"
        if self.target.missing:
            yield f"{self.target.missing:,} rows have no outcome, and are not learned from"
        if self.target.rows < FEW_ROWS:
            yield f"{self.target.rows} rows are few: every figure will be uncertain"
        for column in self.columns:
            ahead = column.kind == "date" and column.high > pd.Timestamp.now()
            if ahead:
                yield f"{column.name} runs into the future, to {column.high:%Y-%m-%d}"


def learn(path: Path, wishes: Wishes) -> Facts:
    """Find out all about a file or folder; ProjectError says why it cannot be used."""
    source = open_source(path)
    table = read(path, source.read)
    check_header(path, [*table.columns])
    names = normalised([*table.columns])
    table = table.rename(columns=names)
    originals = {name: original for original, name in names.items()}
    columns = [*infer(table, source.read, originals)]
    roles = assign(table, columns, wishes)
    columns = [_settled(column, roles, table) for column in columns]
    how = source.read.model_copy(
        update={
            "names": {original: name for original, name in names.items() if original != name},
            "dates": {c.name: c.formats for c in columns if c.formats not in ([], ["ISO8601"])},
        }
    )
    for column in columns:
        values = table[column.name]
        if pd.api.types.is_string_dtype(values) and column.kind in CONVERTED:
            present = convert(values.dropna(), column.kind, how, column.name)
            table[column.name] = present.reindex(values.index)
    stem = re.sub(r"[ _-]?raw$", "", path.name.split(".")[0], flags=re.I)
    dataset = normalised([stem])[stem]
    return Facts(path, dataset, source.suffix, how, table, columns, roles)


def _settled(column: Column, roles: Roles, table: pd.DataFrame) -> Column:
    """The kind that a column has in its role."""
    if column.name in (*roles.ids, *roles.personal) and column.kind == "category":
        return replace(column, kind="text", values=[])  # who somebody is stands in no list
    if column.name == roles.target and roles.task == "classification":
        if column.kind == "number":
            return replace(column, kind="integer")
        if column.kind == "text":
            return replace(column, kind="category", values=sorted(table[column.name].unique()))
    return column


def coded(values: pd.Series) -> pd.Series:
    """Any column as ranks, which is all that a tree looks at: categories by their frequency."""
    if pd.api.types.is_string_dtype(values):
        values = values.map(values.value_counts().rank(method="first"))
    return values.rank().astype("float64")
