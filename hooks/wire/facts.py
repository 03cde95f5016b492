"""All that was found out about a table: what the files are written from.

What a column holds is decided in this order, the first three in columns.py:
1. `_judged` fills in the column; it asks `_find` for the kind of the values.
2. `_find` goes by the type that the file gives; for text it asks `_find_in_text`.
3. `_find_in_text` tries booleans, numbers and dates in turn; the rest stays text.
4. `_settled`, in this module, adapts the kind to the role, once `assign` has given one.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from mlops.config import Read
from mlops.data.cells import convert
from mlops.data.readers import read
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .columns import Column, infer
from .naming import dataset_name, normalize
from .roles import Overrides, Roles, assign
from .source import check_header, open_source

SAMPLE_SIZE = 10_000
N_FOLDS = 3
RARE_SHARE = 0.1
"""A positive class that is rarer is measured by average precision."""

LEAK_SCORE = 0.8
"""A feature that exceeds it without the others may hold the outcome: the default of the gate
`leakage`, gates.leakage.max_skill."""

MIN_ROWS_OF_LEAK = 50
"""On fewer rows a column tells so much by chance."""

FEW_ROWS = 100
FEW_ROWS_OF_CLASS = 10
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
    """

    path: Path
    dataset: str
    suffix: str
    read: Read
    table: pd.DataFrame
    columns: list[Column]
    roles: Roles

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
        """How well a small tree predicts from each feature without the others, on a sample.

        From 0, no better than chance, to 1: Gini (2 AUC - 1) for two classes, chance-corrected
        balanced accuracy for more, R2 for numbers.
        """
        labelled = self.table[self.table[self.target.name].notna()]
        sample = labelled.sample(min(SAMPLE_SIZE, len(labelled)), random_state=0)
        outcome = sample[self.target.name]
        # Small enough to find a shape, large enough not to overfit the sample.
        min_leaf = max(5, len(sample) // 200)
        if self.roles.task == "regression":
            tree = DecisionTreeRegressor(min_samples_leaf=min_leaf, max_depth=6, random_state=0)
            truth = outcome.astype(float)
            metric = "r2"
            chance = 0.0
        else:
            tree = DecisionTreeClassifier(min_samples_leaf=min_leaf, max_depth=6, random_state=0)
            codes, _ = pd.factorize(outcome)
            truth = pd.Series(codes, index=sample.index)
            n_classes = truth.nunique()
            metric = "roc_auc" if n_classes == 2 else "balanced_accuracy"
            chance = 1 / n_classes
        scores = {}
        for column in self.features:
            # scikit-learn takes a table, here of one column.
            values = ranks(sample[column.name]).to_numpy()[:, None]
            with warnings.catch_warnings(action="ignore"):  # a class may be missing from a fold
                found = cross_val_score(tree, values, truth, scoring=metric, cv=N_FOLDS)
                score = (np.nanmean(found) - chance) / (1 - chance)
            scores[column.name] = float(np.clip(np.nan_to_num(score), 0, 1))
        return scores

    def settings(self) -> dict[str, str]:
        """Return what was decided for the table as a whole, in words."""
        how = self.read.model_dump(exclude_defaults=True, exclude={"names", "dates"})
        written = ", ".join(f"{setting} {value!r}" for setting, value in how.items())
        held_out = f"by {self.roles.time}, the latest" if self.roles.time else "at random"
        return {
            "data set": f"{self.dataset}, {self.target.rows:,} rows in {self.raw.as_posix()}",
            "task": f"{self.roles.task} of {self.target.name}, measured by {self.metric}",
            "rows are held out": held_out,
            "groups kept together": self.roles.group or "none",
            "slices": ", ".join(self.roles.slices) or "none",
            "written with": written or "UTF-8, commas",
        }

    def warnings(self) -> Iterator[str]:
        """Yield what would ruin the project later, a sentence each."""
        yield from self._leak_warnings()
        for name in self.roles.personal:
            yield f"{name} looks personal ({self.roles.why[name]}): no feature, shown in no message"
        for name in self.roles.ids:
            column = self.column(name)
            if column.repeated and column.missing:
                yield (
                    f"{name} is empty in {column.missing:,} rows, so it cannot keep the rows of "
                    "one value together: they can be in training and test set"
                )
        for column in self.features:
            if column.kind in ("integer", "text") and column.distinct > 0.95 * column.rows:
                yield f"{column.name} may be an id: nearly every row has another value"
        duplicated = int(self.table.duplicated().sum())
        if duplicated:
            yield f"{duplicated:,} rows are duplicated: a copy can be in training and test set"
        if self.roles.task == "classification" and self.classes.min() < FEW_ROWS_OF_CLASS:
            yield f"the class {self.classes.index[-1]!r} has {self.classes.min()} rows: too few"
        if self.target.missing:
            yield f"{self.target.missing:,} rows have no outcome, and no model is trained on them"
        if self.target.rows < FEW_ROWS:
            yield f"{self.target.rows} rows are few: every score will be uncertain"
        for column in self.columns:
            if column.kind == "date" and column.high > pd.Timestamp.now():
                yield f"{column.name} runs into the future, to {column.high:%Y-%m-%d}"

    def _leak_warnings(self) -> Iterator[str]:
        for name, score in self.univariate.items():
            if score <= LEAK_SCORE:
                continue
            found = f"{name} predicts the target without the others, with a skill of {score:.2f}"
            ask = "gates.leakage.explained in params.yaml"
            if name in self.roles.leaks:
                yield (
                    f"{found}: it was left out of the features, since it may be known only after "
                    f"the outcome; if not, add it to features.py and say why under {ask}"
                )
            else:
                yield (
                    f"{found}: if it is known only after the outcome, remove it from the file; if "
                    f"not, say why under {ask}, or it is not promoted"
                )


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
    columns = list(infer(table, source.read, originals))
    roles = assign(table, columns, overrides)
    # Only now: what a column holds may depend on what it is for.
    columns = [_settle(column, roles, table) for column in columns]
    how = _how(source.read, names, columns)
    for column in columns:
        values = table[column.name]
        if pd.api.types.is_string_dtype(values) and column.kind in CONVERTED:
            present = convert(values.dropna(), column.kind, how, column.name)
            # Rows without a value come back as missing.
            table[column.name] = present.reindex(values.index)
    facts = Facts(path, dataset_name(path), source.suffix, how, table, columns, roles)
    _leave_out_leaks(facts, overrides)
    return facts


def _leave_out_leaks(facts: Facts, overrides: Overrides) -> None:
    """Take features that alone tell so much out of the features, unless none would be left."""
    if facts.target.rows - facts.target.missing < MIN_ROWS_OF_LEAK:
        return
    roles = facts.roles
    leaks = [name for name, score in facts.univariate.items() if score > LEAK_SCORE]
    if len(leaks) == len(roles.features):
        return
    for name in leaks:
        roles.features.remove(name)
        roles.leaks.append(name)
        # In each of its slices nearly all outcomes are the same.
        if name in roles.slices and not overrides.slices:
            roles.slices.remove(name)
        roles.why[name] += f"; alone it predicts with a skill of {facts.univariate[name]:.2f}"


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


def ranks(values: pd.Series) -> pd.Series:
    """Return any column as ranks, which is all that a tree looks at.

    Args:
        values: Numbers, dates, or text, which is ranked by how frequent each value is.
    """
    if pd.api.types.is_string_dtype(values):
        # By frequency, since the alphabet says nothing.
        values = values.map(values.value_counts().rank(method="first"))
    return values.rank().astype("float64")
