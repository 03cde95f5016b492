"""From raw rows to predictions: types, rules, features, the model. Each row is judged alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import team
from ..config import Read
from ..data.cells import WrongValues, find_types
from ..data.rules import Rules
from ..data.validation import is_about_a_person, is_personal
from ..errors import ProjectError
from ..modeling import manifest
from ..modeling.inputs import feature_table

NOT_FINITE = "the model gives no finite number"

MAX_FAILURES = 100
"""Rows of a chunk at which the team's code may raise an error: with more, the code is at fault."""

OWN = ("row", "file", "prediction", "model_version", "model_commit", "predicted_at")
"""Columns of an output that say something about the prediction; an id of that name is renamed."""


class Fault(NamedTuple):
    """One rule that one row breaks.

    Attributes:
        row: The position of the row, counted from 0.
        column: The column; empty for a rule about the row as a whole.
        rule: The rule, such as `greater_than(0)`.
        value: What stands there, as text; None in a personal column, and of a whole row.
    """

    row: int
    column: str
    rule: str
    value: str | None


class Scored(NamedTuple):
    """What became of rows.

    Attributes:
        predictions: For each row that breaks no rule, under its position as the index: its ids,
            `prediction`, and of a classifier a column `probability_<class>` for each class.
        faults: What the other rows break.
    """

    predictions: pd.DataFrame
    faults: list[Fault]


class Scorer:
    """A model with the team's code that it was made with, in this process."""

    def __init__(self, folder: Path, how: Read, ids: list[str], sensitive: list[str]) -> None:
        """Load the model.

        Args:
            folder: The files of its version.
            how: How numbers and dates are written in text.
            ids: The columns to carry through, but for personal and sensitive ones.
            sensitive: The columns whose values no message and no file shows.

        Raises:
            ProjectError: The model was made with other code or libraries.
        """
        # Whoever asks has laid out the right code: this is the last look.
        if not team.is_code(manifest.read(folder).get("code")):
            raise ProjectError("its code is not the code that it was made with")
        self._model = manifest.load(folder)
        self._how = how
        self._schema = team.request().to_schema()
        self._request = Rules(team.request(), finite=True)
        self._features = Rules(team.feature_schema(), finite=True)
        self._ids = ids
        self._sensitive = sensitive

    def missing(self, names: list[str]) -> list[str]:
        """Return the columns that a table with these names lacks."""
        return self._request.missing(names)

    def declared(self, names: list[str]) -> list[str]:
        """Return the columns among these names that are known when a prediction is made."""
        return [name for name in names if self._request.declares(name)]

    def score(self, rows: pd.DataFrame) -> Scored:
        """Predict the rows that hold every rule, and say what the others break.

        Args:
            rows: Columns that the schema Request declares, as they are read from a file.

        Raises:
            ProjectError: A column is missing or not declared.
        """
        table = rows.reset_index(drop=True)
        failures: list[Fault] = []
        parts = list(self._parts(table, 0, failures))
        faults = failures + [fault for part in parts for fault in part.faults]
        # Where every row fails, the columns of no row at all.
        predictions = [part.predictions for part in parts] or [self._nothing(table)]
        return Scored(pd.concat(predictions), sorted(faults, key=lambda fault: fault[:3]))

    def _parts(self, rows: pd.DataFrame, start: int, failures: list[Fault]) -> Iterator[Scored]:
        """Score rows; where the team's code fails, halves of them, down to the row at fault."""
        try:
            scored = self._score(rows.reset_index(drop=True))
        except ProjectError:
            raise
        except Exception as error:
            # The kind alone: a message may quote a value.
            rule = f"raises {type(error).__name__}"
            if len(failures) >= MAX_FAILURES:
                raise ProjectError(
                    f"the version's own code {rule} in more than {MAX_FAILURES} rows: nothing was "
                    "predicted with it"
                ) from error
            if len(rows) == 1:
                failures.append(Fault(start, "", rule, None))
                return
            middle = len(rows) // 2
            yield from self._parts(rows.iloc[:middle], start, failures)
            yield from self._parts(rows.iloc[middle:], start + middle, failures)
            return
        predictions = scored.predictions.set_axis(scored.predictions.index + start)
        faults = [fault._replace(row=fault.row + start) for fault in scored.faults]
        yield Scored(predictions, faults)

    def _score(self, table: pd.DataFrame) -> Scored:
        """Score rows that are numbered from 0."""
        typed, wrong = find_types(table, self._schema, self._how)
        request = self._request.split(typed)
        faults = self._wrong_values(wrong)
        # A value of another type is a gap by now, and its row is not judged as a whole.
        cells = {(fault.row, fault.column) for fault in faults}
        untyped = {fault.row for fault in faults}
        for row, column, rule in request.broken:
            if (row, column) not in cells and not (row in untyped and not column):
                faults.append(Fault(row, column, rule, self._value(table, row, column)))
        sound = request.sound.drop(index=list(untyped & set(request.sound.index)))
        features = feature_table(team.features(), sound)
        # A row that Request lets through can still give a feature that no model has seen.
        judged = self._features.split(features)
        for position, column, rule in judged.broken:
            value = self._value(features, features.index[position], column)
            faults.append(Fault(int(features.index[position]), column, rule, value))
        predictions = self._predict(judged.sound)
        numbers = predictions.select_dtypes("number").to_numpy(dtype=float)
        # A classifier without probabilities has no number here, and is finite.
        is_finite = np.isfinite(numbers).all(axis=1)
        for row in predictions.index[~is_finite]:
            faults.append(Fault(int(row), "", NOT_FINITE, None))
        predictions = predictions.loc[is_finite]
        ids = self._id_columns(sound.loc[predictions.index])
        return Scored(pd.concat([ids, predictions], axis=1), faults)

    def _nothing(self, table: pd.DataFrame) -> pd.DataFrame:
        """The predictions of no row."""
        none = table.iloc[:0]
        return pd.concat([self._id_columns(none), self._predict(none)], axis=1)

    def _value(self, table: pd.DataFrame, row: Any, column: str) -> str | None:
        """A value that breaks a rule, unless nobody should see it."""
        if not column or self._is_hidden(column):
            return None
        value: Any = table.at[row, column]
        return None if pd.isna(value) else str(value)

    def _is_hidden(self, column: str) -> bool:
        """Whether nobody should see the values of a column."""
        schemas = (team.request(), team.feature_schema())
        is_personal = any(is_about_a_person(schema, column) for schema in schemas)
        return is_personal or column in self._sensitive

    def _wrong_values(self, wrong: list[WrongValues]) -> list[Fault]:
        """The faults of values that are not of their type."""
        faults = []
        for column in wrong:
            is_hidden = is_personal(column.declared) or column.column in self._sensitive
            for row, value in column.values.items():
                shown = None if is_hidden else str(value)
                faults.append(Fault(int(str(row)), column.column, column.rule, shown))
        return faults

    def _id_columns(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns by which a prediction is known again."""
        found = {}
        for name in self._ids:
            if name in rows and not self._is_hidden(name):
                found[f"id_{name}" if name in OWN else name] = rows[name]
        return pd.DataFrame(found, index=rows.index)

    def _predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """What the model says about rows that hold every rule."""
        names = []
        if hasattr(self._model, "predict_proba"):
            names = [f"probability_{name}" for name in self._model.classes_]
        # Most models take no empty table.
        if features.empty:
            return pd.DataFrame(columns=["prediction", *names], index=features.index, dtype=float)
        found = {"prediction": self._model.predict(features)}
        if names:
            probabilities = self._model.predict_proba(features)
            # One column a class, in the order in which the model has them.
            found |= {name: probabilities[:, n] for n, name in enumerate(names)}
        return pd.DataFrame(found, index=features.index)


def refuse(faults: list[Fault]) -> None:
    """Raise ProjectError that lists for each column its first fault; nothing if there is none."""
    # Each column once: a wrong unit breaks a rule in every row.
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(fault.column, fault)
    lines = []
    for column, fault in first.items():
        n_rows = len({other.row for other in faults if other.column == column})
        line = (
            f"{column or 'the row as a whole'}: breaks the rule {fault.rule} in {n_rows:,} row(s)"
        )
        line += f", the first at position {fault.row} (counted from 0)"
        lines.append(line if fault.value is None else f"{line} with the value {fault.value}")
    if lines:
        raise ProjectError("\n  ".join(["the rows break Request:", *lines]))
